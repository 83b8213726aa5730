package packed

import (
	"bytes"
	"testing"
)

func FuzzWalk(f *testing.F) {
	f.Add([]byte("\x28\xb5\x2f\xfd\x00\x58\x01\x00\x00"))
	f.Add([]byte("\x5e\x2a\x4d\x18\xff\xff\xff\xffabc"))
	f.Add([]byte("\xfd7zXZ\x00\x00\x04\xe6\xd6\xb4\x46\x00\x00\x00\x00\x1c\xdf\x44\x21\x1f\xb6\xf3\x7d\x01\x00\x00\x00\x00\x04YZ"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r := bytes.NewReader(b)
		if z, err := walkZstd(r, int64(len(b))); err == nil && (z.size < -1 || z.most < 0 || z.size > z.most) {
			t.Errorf("%+v", z)
		}
		if size, err := walkXz(r, int64(len(b))); err == nil && size < 0 {
			t.Error(size)
		}
	})
}
