# Stands in for nixpkgs in the tests: nixosSystem with a strict module system, and a real SD image by emulated builders.
# Every option that a generated host sets must be declared in nixos/modules/module-list.nix.
{
  description = "piwiz test fixture: the smallest flake that answers like nixpkgs";
  outputs = { self }:
    let lib = import ./lib; in
    {
      lib = lib // {
        nixosSystem = args: import ./nixos/lib/eval-config.nix ({ inherit lib; } // args);
      };
      legacyPackages.aarch64-linux = import ./pkgs { system = "aarch64-linux"; };
      legacyPackages.x86_64-linux = import ./pkgs { system = "x86_64-linux"; };
    };
}
