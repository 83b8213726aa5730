// Package grant is the privileged half: what runs as root, and how the
// ordinary half asks for it.
//
// The ordinary half starts "sudo piwiz grant ..." with one end of a
// socketpair as standard input, because sudo closes all other descriptors.
// "grant open" checks the card again by its own rules, unmounts it, opens it,
// and passes the descriptor back (unix(7), SCM_RIGHTS). "grant wifi" passes
// back the files of the Wi-Fi networks. All writing is done by the ordinary
// user. Nothing that the caller claims is believed: it only narrows down what
// is done.
//
// What runs as root begins with Serve; the other half is in ask.go.
package grant

import (
	"errors"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"
)

// Exit codes of the privileged half; the ordinary half learns more from the
// reply.
const (
	failed  = 1
	usage   = 2 // wrong arguments, not root, or not started by piwiz
	refused = 3 // the card must not be written
)

// Words that let be opened what is hardly a card: memory soldered into the
// computer, or any disk, which the user named and confirmed twice. All other
// rules stay; above all nothing is opened that the computer runs from.
const (
	soldered = "soldered"
	anyDisk  = "any-disk"
)

// Refused is a card that must not be opened, and why.
type Refused struct {
	Path string `json:"path"`
	Why  string `json:"why"`
	Todo string `json:"todo,omitempty"`
}

func (r *Refused) Error() string { return r.Path + " is not written. " + r.Why }

// Hints says what to do.
func (r *Refused) Hints() []string {
	if r.Todo == "" {
		return []string{"Choose the card again from the list."}
	}
	return []string{r.Todo}
}

// Serve is the privileged half, "piwiz grant ...". Its exit code is 0 when it
// did what was asked, 1 when that failed, 2 for wrong usage, and 3 for a card
// that must not be written.
func Serve(args []string, stdin *os.File, stderr io.Writer) int {
	var work func() (reply, *os.File)
	switch {
	case len(args) == 3 && args[0] == "open":
		work = func() (reply, *os.File) { return openReply(args[1], args[2], "") }
	case len(args) == 4 && args[0] == "open" && (args[3] == soldered || args[3] == anyDisk):
		work = func() (reply, *os.File) { return openReply(args[1], args[2], args[3]) }
	case len(args) == 1 && args[0] == "wifi":
		work = func() (reply, *os.File) { return wifiReply(wifiFolders), nil }
	default:
		fmt.Fprintln(stderr, "piwiz grant is a part of piwiz that it runs by itself; run piwiz instead.")
		return usage
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(stderr, "piwiz grant works only with administrator rights, and piwiz runs it by itself; run piwiz instead.")
		return usage
	}
	uid, err := invoker(os.Getenv)
	if err == nil {
		err = checkPeer(int(stdin.Fd()), uid)
	}
	if err != nil {
		fmt.Fprintf(stderr, "piwiz grant: %v; run piwiz instead, it runs this by itself.\n", err)
		return usage
	}
	r, card := work()
	if card != nil {
		defer card.Close()
	}
	defer r.wipe()
	if err := send(int(stdin.Fd()), r, card); err != nil {
		return failed // nobody is left to be told
	}
	switch {
	case r.Refused != nil:
		return refused
	case r.Error != "":
		return failed
	case card != nil:
		// The other half keeps its end open as long as it writes.
		_, _ = io.Copy(io.Discard, stdin)
		reread(card)
	}
	return 0
}

func openReply(path, expect, also string) (reply, *os.File) {
	f, err := openFor(path, expect, also)
	var no *Refused
	switch {
	case err == nil:
		return reply{}, f
	case errors.As(err, &no):
		return reply{Refused: no}, nil
	}
	return reply{Error: err.Error()}, nil
}

func wifiReply(folders []wifiFolder) reply {
	user, err := invokerName()
	if err != nil {
		return reply{Error: err.Error()}
	}
	files, leftOut, err := wifiFiles(folders, 0, user)
	if err != nil {
		return reply{Error: err.Error()}
	}
	return reply{Files: files, LeftOut: leftOut}
}

// send sends the reply: its length, then JSON, and with the length the card.
func send(socket int, r reply, card *os.File) error {
	message, err := r.encode()
	if err != nil {
		return err
	}
	defer clear(message)
	var rights []byte
	if card != nil {
		rights = unix.UnixRights(int(card.Fd()))
	}
	if err := unix.Sendmsg(socket, message[:headSize], rights, nil, 0); err != nil {
		return fmt.Errorf("answer: %w", err)
	}
	for rest := message[headSize:]; len(rest) > 0; {
		n, err := unix.Write(socket, rest)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return fmt.Errorf("answer: %w", err)
		}
		rest = rest[max(n, 0):]
	}
	return nil
}
