package tui

import (
	"context"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"piwiz/flash"
	"piwiz/flash/disk"
	"piwiz/flash/firstboot"
	"piwiz/flash/firstboot/sshlogin"
	"piwiz/nixgen"
	"piwiz/nixgen/builder"
	"piwiz/nixgen/follow"
	"piwiz/nixgen/hostfile"
	"piwiz/nixgen/preflight"
	"piwiz/nixgen/sshkey"
	"piwiz/nixgen/wifi"
)

// Engine is everything the wizard needs done. cmd fills it with the real
// parts; a test sets the few functions that its pages call. All functions may
// be called from any goroutine, and return errors whose text can be shown.
type Engine struct {
	// Hosts lists the saved hosts. Problems are host files that could not be
	// read; they do not hide the others.
	Hosts func() (saved []hostfile.Saved, problems []error, err error)
	// Checks are those of the check page, in the order shown. They are for one
	// round: what builds the image is chosen again in each.
	Checks func() []preflight.Check
	// Fetch begins to fetch what the builder that was chosen still lacks, in the
	// background; where it lacks nothing it does nothing. Plan waits for it.
	Fetch func()
	// Repair prepares running the command of a finding on the terminal.
	Repair func(command string) tea.ExecCommand
	// Defaults guesses the answers nobody is asked twice: user name, country,
	// time zone, locale and keyboard of this computer.
	Defaults func() nixgen.Host
	// Computer is the name of this computer, "" when that is not known.
	Computer func() string
	// Answers names the addresses that answer as NAME.local now, or nothing.
	Answers func(ctx context.Context, name string) []string
	// Networks reads the Wi-Fi networks this computer knows. fs.ErrPermission
	// means that there may be more, for which it takes administrator rights.
	Networks func(ctx context.Context) ([]wifi.Network, []error, error)
	// GrantNetworks prepares reading them with administrator rights.
	GrantNetworks func() WifiGrant
	// Searched says where Networks, or the grant, searched last, and what was found
	// where.
	Searched func() wifi.Places
	// AskSecret asks the program that keeps a network for its secret; the
	// desktop may ask the user in a window, until ctx ends. fs.ErrPermission
	// means that it takes administrator rights.
	AskSecret func(context.Context, wifi.Network) (wifi.Network, error)
	// Keys lists the SSH keys of this user, for logging in to the host: first
	// those that ssh offers it.
	Keys func(ctx context.Context, h nixgen.Host) ([]sshkey.PublicKey, []error)
	// MakeKey makes an ed25519 key pair for this user, in files of that name; it
	// fails with sshkey.ErrExists where there are any.
	MakeKey func(name string) (sshkey.PublicKey, error)
	// ReadKey reads the public keys in a file.
	ReadKey func(path string) ([]sshkey.PublicKey, error)
	// Save gives the host an identity if it has none, and stores the answers
	// and the flake. It returns the host as saved; Kept says where the secrets
	// are that were replaced. It is called when the build begins, and never
	// before.
	Save func(hostfile.Saved) (hostfile.Saved, error)
	// Preview returns the files as Save would write them, the user's own as
	// they are now, and the path of the user's own file.
	Preview func(hostfile.Saved) (files []nixgen.File, own string, err error)
	// Edit opens the user's own file of a host in an editor. Of a host that is
	// not saved yet it is a draft.
	Edit func(hostfile.Saved) tea.ExecCommand
	// Plan says what Build would do.
	Plan func(ctx context.Context, name string, report func(follow.Event)) (builder.Plan, error)
	// Build makes the image of a saved host.
	Build func(ctx context.Context, name string, report func(follow.Event)) (builder.Result, error)
	// Cards lists the disks of this computer.
	Cards func(ctx context.Context) ([]disk.Device, error)
	// CardsChanged tells when they may have changed, until ctx ends: then the
	// channel is closed.
	CardsChanged func(ctx context.Context) <-chan struct{}
	// Newest is the time of the newest file that can be seen on a disk; zero
	// when there is none.
	Newest func(ctx context.Context, d disk.Device) time.Time
	// Open opens the card as the ordinary user. A window of the desktop may
	// ask for the password, until ctx ends.
	Open func(context.Context, disk.Device) (flash.Opened, error)
	// GrantCard prepares opening it with administrator rights.
	GrantCard func(disk.Device) CardGrant
	// Write writes the image that was built and the host's secrets to the card, checks
	// it, and releases it. However it ends, the card is closed.
	Write func(ctx context.Context, saved hostfile.Saved, card flash.Opened, d disk.Device, report func(flash.Progress)) (flash.Written, error)
	// Wait waits for the host on the network. Login remembers its key and finds
	// the command that logs in; only the end of ctx is an error.
	Wait  func(ctx context.Context, saved hostfile.Saved, report func(firstboot.Event)) (firstboot.Result, error)
	Login func(ctx context.Context, saved hostfile.Saved, found firstboot.Result) (sshlogin.Way, error)
}

// Grant is a step that asks for administrator rights on the terminal. Command
// is what will be run, to be shown first.
type Grant interface {
	tea.ExecCommand
	Command() string
}

// CardGrant opens a card; Card is valid after a run without error.
type CardGrant interface {
	Grant
	Card() flash.Opened
}

// WifiGrant reads the Wi-Fi files; Networks is valid after a run without error.
type WifiGrant interface {
	Grant
	Networks() ([]wifi.Network, []error)
}
