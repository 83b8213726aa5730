package grant

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// reply is the one message of the privileged half. On the wire it is the
// length of the JSON text as ten decimal digits, a line feed, and the text.
// The descriptor of the card travels with the first byte.
type reply struct {
	Error   string            `json:"error,omitempty"`
	Refused *Refused          `json:"refused,omitempty"`
	Files   map[string][]byte `json:"files,omitempty"`
	LeftOut map[string]string `json:"left_out,omitempty"` // file name to reason
}

const (
	headSize = 11
	// A reply holds at most the Wi-Fi files, in base64.
	maxReply = 4 << 20
)

// wipe zeroes the files.
func (r reply) wipe() {
	for _, data := range r.Files {
		clear(data)
	}
}

func (r reply) encode() ([]byte, error) {
	body, err := json.Marshal(r)
	defer clear(body) // a copy goes on
	if err != nil || len(body) > maxReply {
		return nil, errors.New("the answer cannot be put into words") // the cause could hold a secret
	}
	return append(fmt.Appendf(nil, "%0*d\n", headSize-1, len(body)), body...), nil
}

var (
	// errSilent: the other end was closed before a word was said.
	errSilent   = errors.New("no answer")
	errNonsense = errors.New("the privileged half of piwiz gave no sensible answer; start piwiz again, it may have been updated meanwhile")
)

// decode reads one reply. It never gives back a part of one.
func decode(in io.Reader) (reply, error) {
	head := make([]byte, headSize)
	switch n, err := io.ReadFull(in, head); {
	case err != nil && n == 0:
		return reply{}, errSilent
	case err != nil:
		return reply{}, errNonsense
	}
	size, err := strconv.ParseUint(string(head[:headSize-1]), 10, 32)
	if err != nil || size > maxReply || head[headSize-1] != '\n' {
		return reply{}, errNonsense
	}
	body := make([]byte, size)
	defer clear(body)
	if _, err := io.ReadFull(in, body); err != nil {
		return reply{}, errNonsense
	}
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return reply{}, errNonsense // the cause could quote a secret
	}
	return r, nil
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

// receive reads the reply and the descriptor that came with it, if any. What
// is not given back is closed.
func receive(socket int) (reply, *os.File, error) {
	in := &inbox{socket: socket}
	r, err := decode(in)
	if err == nil && (in.cut || len(in.fds) > 1) {
		err = errNonsense
	}
	if err == nil && r.Refused != nil {
		err = r.Refused
	} else if err == nil && r.Error != "" {
		err = errors.New(r.Error)
	}
	if err == nil && len(in.fds) == 1 {
		return r, os.NewFile(uintptr(in.fds[0]), "card"), nil
	}
	for _, fd := range in.fds {
		_ = unix.Close(fd)
	}
	return r, nil, err
}
