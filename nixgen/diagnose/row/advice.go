package row

// Advice that several subjects give.
const (
	Again = "Then build again: what is done already is kept."
	Check = "See what is missing and the command for this computer: piwiz check"
)

// WithoutContainer is what helps whenever the Nix of a container does not work.
var WithoutContainer = []string{
	"Try the other one of docker and podman: --builder docker, or --builder podman",
	"Or build with a Nix of this computer. What that needs: piwiz check --builder local",
}

// RemoveStore has the store of the container made again from nothing.
var RemoveStore = &Instead{Why: "The store of the container is damaged; it holds nothing that cannot be made again.", Do: []string{
	"Remove it: ENGINE volume rm $(ENGINE volume ls --quiet --filter name=piwiz-nix)", Again,
}}

// HungUp is what Nix says when another Nix, on this computer or on another one,
// ends in the middle.
var HungUp = []string{`Nix daemon disconnected unexpectedly`, `^unexpected end-of-file$`}

// Unsigned is what Nix says of packages that another Nix does not accept.
var Unsigned = []string{`lacks a (?:valid )?signature`}
