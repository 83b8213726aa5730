package root

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"

	"piwiz/flash/fault"
)

// reply is the one message of the privileged half. On the wire it is the
// length of the JSON text as ten decimal digits, a line feed, and the text. A
// file travels with the first byte.
type reply struct {
	Failure *Failure `json:"failure,omitempty"`
	Result  Result   `json:"result,omitempty"` // to decode, a pointer to what is expected
}

// Failure is why an operation failed, as its own error told it.
type Failure struct {
	Text       string `json:"text"`
	fault.Todo `json:"todo,omitempty"`
	Refused    bool `json:"refused,omitempty"` // for safety
}

func (f *Failure) Error() string { return f.Text }

const (
	headSize = 11
	// A reply holds at most a few small files, in base64.
	maxReply = 4 << 20
)

func (r reply) encode() ([]byte, error) {
	body, err := json.Marshal(r)
	defer clear(body) // a copy goes on
	if err != nil || len(body) > maxReply {
		return nil, errors.New("the answer cannot be encoded") // the cause could hold a secret
	}
	return append(fmt.Appendf(nil, "%0*d\n", headSize-1, len(body)), body...), nil
}

// send sends the reply: its length, then JSON, and with the length the file.
func send(socket int, r reply, file *os.File) error {
	message, err := r.encode()
	if err != nil {
		return err
	}
	defer clear(message)
	var rights []byte
	if file != nil {
		rights = unix.UnixRights(int(file.Fd()))
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

var (
	// errSilent: the other end was closed before a word was said.
	errSilent   = errors.New("no answer")
	errNonsense = errors.New("the privileged half of piwiz gave an invalid answer; start piwiz again, it may have been updated meanwhile")
)

// decode reads one reply, its result into result; nil where none is expected.
// What is not a whole reply leaves nothing in it.
func decode(in io.Reader, result Result) error {
	head := make([]byte, headSize)
	switch n, err := io.ReadFull(in, head); {
	case err != nil && n == 0:
		return errSilent
	case err != nil:
		return errNonsense
	}
	size, err := strconv.ParseUint(string(head[:headSize-1]), 10, 32)
	if err != nil || size > maxReply || head[headSize-1] != '\n' {
		return errNonsense
	}
	body := make([]byte, size)
	defer clear(body)
	if _, err := io.ReadFull(in, body); err != nil {
		return errNonsense
	}
	r := reply{Result: result}
	if err := json.Unmarshal(body, &r); err != nil {
		if result != nil {
			result.Wipe()
		}
		return errNonsense // the cause could quote a secret
	}
	if r.Failure != nil {
		return r.Failure
	}
	return nil
}

// inbox reads a socket and keeps the descriptors that come along.
type inbox struct {
	socket int
	fds    []int
	cut    bool // there were more than the kernel could hand over
}

func (b *inbox) Read(p []byte) (int, error) {
	rights := make([]byte, unix.CmsgSpace(4))
	n, size, flags, _, err := unix.Recvmsg(b.socket, p, rights, unix.MSG_CMSG_CLOEXEC)
	for errors.Is(err, unix.EINTR) {
		n, size, flags, _, err = unix.Recvmsg(b.socket, p, rights, unix.MSG_CMSG_CLOEXEC)
	}
	if err != nil {
		return 0, fmt.Errorf("read the answer of the privileged half: %w", err)
	}
	b.cut = b.cut || flags&unix.MSG_CTRUNC != 0
	messages, err := unix.ParseSocketControlMessage(rights[:size])
	if err != nil {
		return 0, errNonsense
	}
	for i := range messages {
		if fds, err := unix.ParseUnixRights(&messages[i]); err == nil {
			b.fds = append(b.fds, fds...)
		}
	}
	if n == 0 && len(p) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// receive reads the reply and the file that came with it, if any. What is not
// given back is closed.
func receive(socket int, result Result) (*os.File, error) {
	in := &inbox{socket: socket}
	err := decode(in, result)
	if err == nil && (in.cut || len(in.fds) > 1) {
		err = errNonsense
	}
	if err == nil && len(in.fds) == 1 {
		return os.NewFile(uintptr(in.fds[0]), "file"), nil
	}
	for _, fd := range in.fds {
		_ = unix.Close(fd)
	}
	return nil, err
}
