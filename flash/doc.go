// Package flash writes an image to a card and verifies it. It knows no Nix.
//
// The image is decoded as it is read, and its FIRMWARE partition completed
// with the host's own files on the way. What the card already holds is found
// by reading and skipped; a plan weighs where that pays. The rest is written
// past the page cache, read back, and compared. The first block says that the
// card is unfinished from before the first write until all else is verified, so
// it does not boot.
//
// # What is verified, and why that is enough
//
// The rule: nothing is called right unless it was verified after the last write
// that could have changed it. On an honest card a write changes its own place
// and no other. A counterfeit one has only R blocks of those it claims. A block
// below R has a place of its own; one from R on shares the place of a block
// below R (the address wraps, at whatever offset), or has none. On top it may
// remember the last writes, 16 MiB at most, and answer from there: what it has
// really kept shows after the power was off. So to read is to know only where
// more than that was written since; to make that true is called to forget.
//
// Let the image have n blocks, of which image[x] is the content of x. If R >= n
// every block of it has a place of its own, and what is verified stays right,
// unless something outside the image is written that shares a place with it.
// If R < n, block n-1 has no place, or that of some v < R. There are three ways
// to see that this is not so, and a run takes the cheapest that it can.
//
// The mark (the first block differed from the start, so the run began with a
// write). Block n-1 gets content that is nowhere else, and the card something
// to forget behind the image, before anything is compared: if n-1 has no place
// the mark is gone. Then every v < n-1 is compared or written. One that is
// found equal was not the mark, so it has another place. One that is written
// erases the mark. When all is written and forgotten and the mark is still
// there, n-1 shares no place, so R >= n. Block n-1 is written after that.
//
// The edge (the first block was right, so some pieces were found equal before
// the first write; there is no mark, because it could meet only those compared
// later). Let block n-1 be found equal, not written, equal to no other block of
// the image, and to none of those that the card held where something was
// written in this run; and let all of it have been compared. If n-1 shared the
// place of some v, the first of those v to be read was found equal to image[v],
// or was written, and then it held what n-1 was found to hold, image[n-1]; both
// are excluded. So R >= n. This costs nothing.
//
// Where the last blocks are zero, or there twice, everything is written and
// forgotten first. Then look from the end of the image for a piece with a block
// y that is equal to no other; all pieces from it on were found equal, not
// written, and are read once more. If y shared the place of some v < y, that
// place would hold image[v] since v was found equal or was written, and y would
// not be right. So y < R: all that was written has a place of its own. What is
// above y was not written, so it harmed nothing, and was verified after all
// writes. So a tail of zeros is read twice.
//
// All of it (neither holds: the tail was written, or the run before this one
// failed and the card may still remember it, or something had to be repaired).
// Every piece of the image is verified once more, in a pass after everything
// was written and forgotten. This supposes nothing about where things are kept.
//
// Two kinds of write go outside the image. What is written for the card to
// forget is what was there, so it changes nothing. What is wiped there, so that
// no old signature is recognised, was something else before: had it the place
// of a block that was found equal, it had been equal to that. If any of it is
// equal to a block of the image, all is verified. Both happen before the proof.
//
// The last write is that of the first block, and only verifying it can
// follow. But until then it read as the unfinished one, after all else was
// verified: a block x with the same place would have read so too, or have
// changed it. So the first block has no alias in the image, and its last write
// changes nothing else.
//
// To make a card forget, as much as it may remember is written: pieces of the
// image that were written long before, once more, or what is behind the
// image, for a card that remembers only that. What is written to forget waits
// in the card's memory itself, and must not do harm later. A piece of the image
// that is written once more hides what has overwritten it; what is behind the
// image may be read while something newer waits for the same place, and then
// undo that. So before all is verified three things are written: pieces of the
// image, what is behind it, and pieces again, now only those that are read
// and right first. That makes the harm of the first two show, and does none.
//
// What this cannot see. A card onto which another program wrote the very image
// since it was put in, and of which the end is only remembered: where nothing
// differs nothing is written, and so nothing is forgotten. A card that remembers
// nearly all of an image of less than 36 MiB. And one that remembers more than
// 16 MiB, or keeps everything until the power is off.
//
// # A partition that grows
//
// Where it is asked for, the first block gives the last partition the card's end.
// That end is the one that the size test has verified: such a block is on a card only
// after a run that began with the test, for before that run the first block was
// another one. What is behind the image is in that partition then, and still no part
// of the image: it is not compared, it is what a card is made to forget with, and what
// an earlier life left there is wiped before the proof, now as seen from the partition too.
//
// # Where it is
//
// The mark, its end and the edge are in arm.go and edge.go, what is verified in
// verify.go, and forgetting in forget.go. Package wipe has what is wiped, package
// probe how a size is tested and what is enough to forget, package seen which blocks
// are alike.
package flash
