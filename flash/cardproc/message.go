package cardproc

import (
	"encoding/binary"

	"golang.org/x/sys/unix"
)

// Size is how much memory the two processes share, in bytes. Only what is
// used of it takes any.
const Size = 32 << 20

// The descriptors of the part that asks the card.
const (
	cardFile   = 3
	memoryFile = 4
)

// op is what is asked of the card.
type op uint32

const (
	read op = iota
	write
	sync
	seek // at is the whence
	eject
)

// request asks for n bytes at an offset of the card, in the shared memory
// from at on.
type request struct {
	id         uint32
	op         op
	off, at, n int64
}

// answer is what the system call returned.
type answer struct {
	id    uint32
	errno unix.Errno
	n     int64
}

// Bytes of a message.
const (
	requestSize = 32
	answerSize  = 16
)

var le = binary.LittleEndian

func (r request) encode() []byte {
	b := le.AppendUint32(make([]byte, 0, requestSize), r.id)
	b = le.AppendUint32(b, uint32(r.op))
	b = le.AppendUint64(b, uint64(r.off))
	b = le.AppendUint64(b, uint64(r.at))
	return le.AppendUint64(b, uint64(r.n))
}

func decodeRequest(b []byte) request {
	return request{le.Uint32(b), op(le.Uint32(b[4:])), int64(le.Uint64(b[8:])), int64(le.Uint64(b[16:])), int64(le.Uint64(b[24:]))}
}

func (a answer) encode() []byte {
	b := le.AppendUint32(make([]byte, 0, answerSize), a.id)
	b = le.AppendUint32(b, uint32(a.errno))
	return le.AppendUint64(b, uint64(a.n))
}

func decodeAnswer(b []byte) answer {
	return answer{le.Uint32(b), unix.Errno(le.Uint32(b[4:])), int64(le.Uint64(b[8:]))}
}
