# As nixpkgs' closureInfo: the paths, and what nix-store --load-db wants to know.
mkdir -p "$out"
cat closure-* > "$out/registration"
# In each block: the path, its deriver, how many references, the references.
awk 'left == "" { print; left = -2; next }
  left == -2 { left = -1; next }
  left == -1 { left = $1; if (left == 0) left = ""; next }
  { left--; if (left == 0) left = "" }' closure-* | sort -u > "$out/store-paths"
