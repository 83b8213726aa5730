package builder

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"piwiz/nixgen/builder/order"
	"piwiz/nixgen/diagnose"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/nix"
)

// another is a builder of a kind that nothing else knows.
type another struct {
	orders *[]order.Order
	err    error
}

func (another) String() string        { return "The image is built elsewhere: a test chose it." }
func (another) Here() bool            { return false }
func (another) Where() diagnose.Where { return diagnose.Where{Hosts: []string{"me@far"}} }

func (e another) Build(_ context.Context, o order.Order, w *follow.Watch) error {
	*e.orders = append(*e.orders, o)
	w.Say("going there")
	if e.err != nil {
		w.Event(nix.Event{Action: nix.Msg, Text: "error: No space left on device"})
		return e.err
	}
	if o.DryRun {
		w.Event(nix.Event{Action: nix.Msg, Text: "this derivation will be built:"})
		w.Event(nix.Event{Action: nix.Msg, Text: "  /nix/store/s0lxml7c979j1rb404g40yqzi9vas0wh-ext4-fs.img.drv"})
		return nil
	}
	const store = "/nix/store/s0lxml7c979j1rb404g40yqzi9vas0wh-image"
	at := filepath.Join(order.Copies(o.OutLink), store)
	return errors.Join(os.MkdirAll(filepath.Join(at, "nix-support"), 0o700), os.WriteFile(filepath.Join(at, "x.img"), []byte("image"), 0o600),
		os.WriteFile(filepath.Join(at, "nix-support/hydra-build-products"), []byte("file sd-image "+store+"/x.img\n"), 0o600), os.Symlink(store, o.OutLink))
}

// Plan, build, image, log and the place of a failure come from the interface alone.
func TestABuilderNeedsOnlyTheInterface(t *testing.T) {
	var got []order.Order
	dir := flake(t)
	r := Request{
		Flake: dir, Host: "bach", OutLink: filepath.Join(dir, "result"), LogFile: filepath.Join(dir, "build.log"), Nixpkgs: "path:/n", State: t.TempDir(),
		Builder: another{orders: &got},
	}
	p, err := DryRun(t.Context(), r, nil)
	if err != nil || len(p.Builds) != 1 {
		t.Fatalf("%+v, %v", p, err)
	}
	var last follow.Progress
	made, err := Image(t.Context(), r, func(e follow.Event) { last = e.Progress })
	if err != nil || made.Size != 5 || filepath.Base(made.Image) != "x.img" || last.Stage != follow.Done || last.Share != 1 {
		t.Fatalf("%+v, %v, %+v", made, err, last)
	}
	want := order.Order{Flake: dir, Host: "bach", OutLink: r.OutLink, Nixpkgs: "path:/n", Log: filepath.Join(dir, "build.jsonl")}
	dry := want
	dry.DryRun = true
	if len(got) != 2 || got[0] != dry || got[1] != want {
		t.Errorf("%+v", got)
	}
	text, err := os.ReadFile(r.LogFile)
	if err != nil || string(text) != "The image is built elsewhere: a test chose it.\ngoing there\n1 to build: ext4-fs.img.\nNothing comes from a cache.\ngoing there\n" {
		t.Errorf("%q, %v", text, err)
	}

	r.Builder = another{&got, errors.New("exit status 1")}
	_, err = Image(t.Context(), r, nil)
	var e *Error
	if !errors.As(err, &e) || e.Known != "disk-full" || strings.Contains(strings.Join(e.Hints(), "\n"), "--read-log") {
		t.Errorf("%v", err)
	}
	t.Log(err, e.Hints())
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Image(ctx, r, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

func TestWhatIsNoBuilderNamesThoseThatAre(t *testing.T) {
	b, err := Choose(t.Context(), Wish{Builder: "cloud"})
	var e *Error
	if b.Builder != nil || !errors.As(err, &e) || !strings.Contains(strings.Join(e.Hints(), ""), Names) {
		t.Errorf("%v, %v", b, err)
	}
	t.Setenv("PATH", t.TempDir()) // neither Nix nor docker
	for _, wish := range []string{"", "local", "container", "docker", "podman:img", "ssh://me@far", "local,ssh://me@far", "ssh://me:word@far", "ftp://x"} {
		b, err := Choose(t.Context(), Wish{Builder: wish})
		var h interface{ Hints() []string }
		if b.Builder != nil || !errors.As(err, &h) || len(h.Hints()) == 0 {
			t.Errorf("%q: %v, %v", wish, b, err)
		}
	}
}
