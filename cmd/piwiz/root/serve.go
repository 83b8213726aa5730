// Package root is the one privileged half of piwiz: what runs as root, and how
// the ordinary half asks for it.
//
// The ordinary half (ask.go) starts "sudo piwiz grant OPERATION ..." with one end
// of a socketpair as standard input, because sudo closes all other descriptors; or
// pkexec in the place of sudo (elevator.go).
// The privileged half checks who asks (peer.go), does that one operation, answers
// once (message.go), if need be with an open file (unix(7), SCM_RIGHTS), and lives
// until the socket is closed: the kernel closes it however the ordinary half ends.
// Then it puts back what must not last.
//
// What can be done is a table that the hidden verb grant fills. Nothing that the
// caller claims is believed: it only narrows down what is done. This package and
// every operation link neither net nor any library but golang.org/x/sys, so that
// what runs as root can be read; a test of cmd/piwiz holds that.
package root

import (
	"fmt"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"

	"piwiz/flash/crash"
	"piwiz/flash/fault"
)

// Exit codes of the privileged half; the ordinary half learns more from the
// reply.
const (
	failed  = 1
	usage   = 2 // wrong arguments, not root, or not started by piwiz
	refused = 3 // for safety
)

// Table holds the operations by name.
type Table map[string]Operation

// Operation is one thing that root does for a user.
type Operation struct {
	// Takes tells whether these words may follow the name on the command line.
	// What they mean is for Do to check.
	Takes func(words []string) bool
	// Do does it for the user of that number.
	Do func(user uint32, words []string) Done
}

// Done is what came of an operation. Without Err it succeeded.
type Done struct {
	Err     error
	Refused bool     // Err is a refusal for safety
	Result  Result   // for the ordinary half
	File    *os.File // handed over; it is closed at the end
	// End puts back what must not last. It is called once the ordinary half has
	// closed its end, or, interrupted, when a signal or a lost answer ends the
	// privileged half before.
	End func(interrupted bool) error
}

// Result is what an operation finds out, as encoding/json puts it. It may hold
// secrets: Wipe zeroes them.
type Result interface{ Wipe() }

// Serve is the privileged half, "piwiz grant ...". Its exit code is 0 when it
// did what was asked and put back what must not last, 1 when either failed, 2 for
// wrong usage, and 3 for what is refused for safety.
func (t Table) Serve(args []string, stdin *os.File, stderr io.Writer) int {
	var o Operation
	if len(args) > 0 {
		o = t[args[0]]
	}
	if o.Do == nil || !o.Takes(args[1:]) {
		fmt.Fprintln(stderr, "piwiz grant is an internal command; run piwiz instead.")
		return usage
	}
	if os.Geteuid() != 0 {
		fmt.Fprintln(stderr, "piwiz grant is an internal command that needs administrator rights; run piwiz instead.")
		return usage
	}
	user, err := invoker(os.Getenv)
	if err == nil {
		err = checkPeer(int(stdin.Fd()), user)
	}
	if err != nil {
		fmt.Fprintf(stderr, "piwiz grant: %v; this is an internal command, run piwiz instead.\n", err)
		return usage
	}
	// Nothing that can be caught may end it before End, a terminal that was
	// closed included.
	signals := make(chan os.Signal, 1)
	signal.Ignore(unix.SIGPIPE)
	signal.Notify(signals, unix.SIGTERM, unix.SIGHUP, unix.SIGINT, unix.SIGQUIT)
	return o.Do(user, args[1:]).finish(stdin, stderr, signals)
}

// finish answers, waits, and puts back what must not last.
func (d Done) finish(socket *os.File, stderr io.Writer, signals <-chan os.Signal) int {
	if d.File != nil {
		defer d.File.Close()
	}
	err := send(int(socket.Fd()), replyOf(d), d.File)
	if d.Result != nil {
		d.Result.Wipe()
	}
	switch {
	case d.Refused:
		return refused
	case d.Err != nil:
		return failed
	}
	interrupted := err != nil // nobody is left to be told
	if d.End != nil {
		interrupted = interrupted || !closed(socket, signals)
		if err := d.End(interrupted); err != nil {
			fmt.Fprintf(stderr, "piwiz: %v\n", err)
			return failed
		}
	}
	if err != nil {
		return failed
	}
	return 0
}

// closed waits until the other half has closed its end, as long as it works
// with what it got. It is false for a signal.
func closed(socket io.Reader, signals <-chan os.Signal) bool {
	end := make(chan struct{})
	crash.Go(func() error { _, err := io.Copy(io.Discard, socket); return err }, func(error) { close(end) }) // an error is an end too
	select {
	case <-end:
		return true
	case <-signals:
		return false
	}
}

func replyOf(d Done) reply {
	if d.Err == nil {
		return reply{Result: d.Result}
	}
	f := &Failure{Text: d.Err.Error(), Refused: d.Refused}
	if e, ok := d.Err.(fault.Told); ok {
		f.Todo = e.Hints()
	}
	return reply{Failure: f}
}
