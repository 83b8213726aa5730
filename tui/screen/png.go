package screen

import (
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"sync"

	"github.com/hinshun/vt10x"
	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gomono"
	"golang.org/x/image/font/gofont/gomonobold"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// Pixels: one cell, from its top to the base line, around the screen.
const (
	cellWidth  = 9
	cellHeight = 19
	baseline   = 15
	margin     = 6
)

// Attributes of a cell; vt10x does not export them.
const (
	underline = 1 << 1
	bold      = 1 << 2
)

var faces = sync.OnceValues(func() ([2]font.Face, error) {
	var out [2]font.Face
	for i, ttf := range [][]byte{gomono.TTF, gomonobold.TTF} {
		f, err := opentype.Parse(ttf)
		if err != nil {
			return out, err
		}
		// 15 pixels make the advance exactly one cell of 9.
		out[i], err = opentype.NewFace(f, &opentype.FaceOptions{Size: 15, DPI: 72, Hinting: font.HintingFull})
		if err != nil {
			return out, err
		}
	}
	return out, nil
})

// fontLock: a font.Face may be used by one goroutine at a time.
var fontLock sync.Mutex

// PNG saves a picture of the screen.
func (t *Term) PNG(path string) error {
	fs, err := faces()
	if err != nil {
		return err
	}
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer out.Close()
	if err := png.Encode(out, t.picture(fs)); err != nil {
		return err
	}
	return out.Close()
}

func (t *Term) picture(fs [2]font.Face) image.Image {
	fontLock.Lock()
	defer fontLock.Unlock()
	t.vt.Lock()
	defer t.vt.Unlock()
	cols, rows := t.vt.Size()
	im := image.NewRGBA(image.Rect(0, 0, cols*cellWidth+2*margin, rows*cellHeight+2*margin))
	draw.Draw(im, im.Bounds(), image.NewUniform(rgb(vt10x.DefaultBG)), image.Point{}, draw.Src)
	for y := range rows {
		for x := range cols {
			drawCell(im, fs, t.vt.Cell(x, y), margin+x*cellWidth, margin+y*cellHeight)
		}
	}
	if c := t.vt.Cursor(); t.vt.CursorVisible() && c.X < cols && c.Y < rows {
		r := image.Rect(0, cellHeight-3, cellWidth, cellHeight-1).Add(image.Pt(margin+c.X*cellWidth, margin+c.Y*cellHeight))
		draw.Draw(im, r, image.NewUniform(rgb(vt10x.DefaultFG)), image.Point{}, draw.Src)
	}
	return im
}

// drawCell draws a cell with its top left corner at x, y. The colours of a
// reversed cell were already swapped by the emulator.
func drawCell(im *image.RGBA, fs [2]font.Face, c vt10x.Glyph, x, y int) {
	box := image.Rect(x, y, x+cellWidth, y+cellHeight)
	if c.BG != vt10x.DefaultBG {
		draw.Draw(im, box, image.NewUniform(rgb(c.BG)), image.Point{}, draw.Src)
	}
	ink := image.NewUniform(rgb(c.FG))
	if c.Mode&underline != 0 {
		draw.Draw(im, image.Rect(x, y+baseline+2, x+cellWidth, y+baseline+3), ink, image.Point{}, draw.Src)
	}
	if c.Char <= ' ' {
		return
	}
	if drawLine(im, ink, c.Char, box) {
		return
	}
	face := fs[0]
	if c.Mode&bold != 0 {
		face = fs[1]
	}
	d := font.Drawer{Dst: im, Src: ink, Face: face, Dot: fixed.P(x, y+baseline)}
	d.DrawString(string(c.Char))
}

// drawLine draws the characters that must meet their neighbours: a font's
// own are a little shorter than the cell.
func drawLine(im *image.RGBA, ink *image.Uniform, r rune, box image.Rectangle) bool {
	midX, midY := box.Min.X+cellWidth/2, box.Min.Y+cellHeight/2
	left := image.Rect(box.Min.X, midY, midX+1, midY+1)
	right := image.Rect(midX, midY, box.Max.X, midY+1)
	up := image.Rect(midX, box.Min.Y, midX+1, midY+1)
	down := image.Rect(midX, midY, midX+1, box.Max.Y)
	parts, ok := map[rune][]image.Rectangle{
		'─': {left, right}, '│': {up, down}, '┌': {right, down}, '┐': {left, down}, '└': {right, up}, '┘': {left, up},
		'├': {up, down, right}, '┤': {up, down, left}, '┬': {left, right, down}, '┴': {left, right, up}, '┼': {left, right, up, down},
		'█': {box},
	}[r]
	for _, p := range parts {
		draw.Draw(im, p, ink, image.Point{}, draw.Src)
	}
	return ok
}

// ansi16 are the first sixteen colours, as xterm shows them.
var ansi16 = [16]uint32{
	0x000000, 0xcd0000, 0x00cd00, 0xcdcd00, 0x4040ee, 0xcd00cd, 0x00cdcd, 0xe5e5e5,
	0x7f7f7f, 0xff0000, 0x00ff00, 0xffff00, 0x5c5cff, 0xff00ff, 0x00ffff, 0xffffff,
}

// rgb turns a colour of the emulator into one of the picture. Numbers up to
// 255 are taken for the palette; the emulator keeps true colours that dark
// (blue alone) in the same numbers.
func rgb(c vt10x.Color) color.RGBA {
	v := uint32(c)
	switch {
	case c == vt10x.DefaultFG:
		v = 0xdcdcdc
	case c == vt10x.DefaultBG:
		v = 0x121218
	case c < 16:
		v = ansi16[c]
	case c < 232: // a cube of six steps each
		step := func(n uint32) uint32 {
			if n == 0 {
				return 0
			}
			return 55 + 40*n
		}
		n := v - 16
		v = step(n/36)<<16 | step(n/6%6)<<8 | step(n%6)
	case c < 256: // greys
		v = (8 + 10*(v-232)) * 0x010101
	}
	return color.RGBA{uint8(v >> 16), uint8(v >> 8), uint8(v), 255}
}
