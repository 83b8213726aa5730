// Package nix runs the nix tools and turns what they say into typed events.
//
// Rules: a child has its own process group and no stdin; cancelling interrupts
// nix itself and waits, because a killed nix leaves builders and folders
// behind. The decoder never fails on a bad line: what is not an event is text.
// Text that leaves this package has no escape sequences and no control
// characters (package clean).
//
// Source: the internal-json log format of NixOS/nix,
// src/libutil/include/nix/util/logging.hh and src/libutil/logging.cc.
package nix
