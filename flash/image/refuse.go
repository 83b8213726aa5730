package image

import (
	"cmp"
	"errors"
	"io"

	"piwiz/flash/image/kind"
	"piwiz/flash/image/packed"
)

// known refuses a file that is something else as it is.
func (i *Image) known(size int64) error {
	head := make([]byte, kind.Head)
	n, err := i.file.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	head = head[:n]
	tail := make([]byte, kind.Tail)
	if n, _ := i.file.ReadAt(tail, max(0, size-kind.Tail)); n == kind.Tail {
		if k, ok := kind.OfTail(tail); ok {
			return i.isNo(k)
		}
	}
	if packed.Of(head) != (packed.Format{}) {
		return nil
	}
	if k, ok := noImage(head, size); ok {
		return i.isNo(k)
	}
	return nil
}

// noImage tells what it is that begins with head, unless that is an image. A good
// partition table is believed, but for kinds that have one of their own.
func noImage(head []byte, size int64) (kind.Kind, bool) {
	k, ok := kind.Of(head)
	if m, err := ParseMBR(head); err == nil && m.check(size) == nil && !k.HasTable {
		return kind.Kind{}, false
	}
	return k, ok
}

// unpackedIs refuses what is in a packed file and no image.
func (i *Image) unpackedIs(head []byte) error {
	if i.how == (packed.Format{}) {
		return nil // its head was checked already
	}
	if len(head) == 0 {
		return errors.New("there is nothing in it once it is unpacked")
	}
	k, ok := noImage(head, i.size.Exact)
	if f := packed.Of(head); f != (packed.Format{}) {
		k, ok = kind.Packed(f.Name, f.Program), true
	}
	if !ok {
		return nil
	}
	e := i.isNo(k)
	if todo := k.TodoInside(i.from.Path, i.how.Program); todo != nil {
		e.Todo = todo
	}
	return e
}

// isNo is the refusal of a kind.
func (i *Image) isNo(k kind.Kind) *Error {
	it := "it"
	if i.how != (packed.Format{}) {
		it = "unpacked, it"
	}
	return &Error{"", k.Says(it), []string{cmp.Or(k.Todo(i.from.Path), i.from.Remedy())}}
}
