{
  description = "A stand-in for nixpkgs: strict options, a real SD image, no network";

  outputs = { self }:
    let lib = import ./lib;
    in {
      lib = lib // {
        nixosSystem = import ./nixos/lib/eval-config.nix { inherit lib; };
      };
      legacyPackages = lib.genAttrs [ "aarch64-linux" "x86_64-linux" ] (system: import ./pkgs { inherit system; });
    };
}
