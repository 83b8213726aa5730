# Types of options: a name as NixOS prints it, a check of one definition, and
# how several definitions become one value.
{ mergeOption, evalOptions, showDefs }:
let
  inherit (builtins)
    all attrNames concatMap concatStringsSep elem filter foldl' head isAttrs isBool
    isFloat isInt isList isPath isString listToAttrs map match substring;
  dotted = concatStringsSep ".";
  one = path: defs:
    if all (d: d.value == (head defs).value) defs then (head defs).value
    else throw "The option `${dotted path}' has conflicting definition values:${showDefs defs}";
  single = name: check: { inherit name check; merge = one; };
  isPackage = v: isAttrs v && v ? outPath;
  matching = name: pattern: single name (v: isString v && match pattern v != null);
in
rec {
  bool = single "boolean" isBool;
  int = single "signed integer" isInt;
  number = single "signed integer or floating point number" (v: isInt v || isFloat v);
  str = single "string" isString;
  singleLineStr = matching "(optionally newline-terminated) single-line string" "[^\n\r]*\n?";
  noSpaces = matching "string without spaces" "[^ ]*";
  path = single "absolute path" (v: isPath v || isPackage v || isString v && substring 0 1 v == "/");
  package = single "package" isPackage;
  enum = values: single "one of ${concatStringsSep ", " (map builtins.toJSON values)}" (v: elem v values);
  # NAME.service and its like, as systemd names units.
  unitName = matching "systemd unit name" "[a-zA-Z0-9@%:_.\\-]+[.](service|socket|device|mount|automount|swap|target|path|timer|scope|slice)";
  pskRaw = matching "string matching the pattern ([[:xdigit:]]{64})|(ext:[^=]+)" "([[:xdigit:]]{64})|(ext:[^=]+)";
  release = matching "string of the form YY.MM" "[0-9]{2}\\.[0-9]{2}";
  hostName = matching "string matching the pattern ^$|^[[:alnum:]]([[:alnum:]_-]{0,61}[[:alnum:]])?$" "|[[:alnum:]]([[:alnum:]_-]{0,61}[[:alnum:]])?";
  lines = { name = ''strings concatenated with "\n"''; check = isString; merge = _: defs: concatStringsSep "\n" (map (d: d.value) defs); };
  raw = { name = "raw value"; check = _: true; merge = _: defs: (head defs).value; };
  either = a: b: {
    name = "${a.name} or ${b.name}";
    check = v: a.check v || b.check v;
    merge = path: defs: (if all (d: a.check d.value) defs then a else b).merge path defs;
  };
  oneOf = types: foldl' either (head types) (builtins.tail types);
  nullOr = t: {
    name = "null or ${t.name}";
    check = v: v == null || t.check v;
    merge = path: defs: if all (d: d.value == null) defs then null else t.merge path defs;
  };
  listOf = t: {
    name = "list of ${t.name}";
    check = isList;
    merge = path: defs: concatMap (d: map (v: mergeOption path t [ (d // { value = v; }) ]) d.value) defs;
  };
  nonEmptyListOf = t: listOf t // { name = "non-empty list of ${t.name}"; check = v: isList v && v != [ ]; };
  attrsOf = t: {
    name = "attribute set of ${t.name}";
    check = v: isAttrs v && !(isPackage v);
    merge = path: defs:
      let names = attrNames (foldl' (a: d: a // d.value) { } defs);
      in listToAttrs (map (name: {
        inherit name;
        value = mergeOption (path ++ [ name ]) t (concatMap (d: if d.value ? ${name} then [ (d // { value = d.value.${name}; }) ] else [ ]) defs);
      }) names);
  };
  # options is a set of options or a function from the member's name to one.
  submodule = freeSubmodule null;
  freeSubmodule = free: options: {
    name = "submodule";
    check = isAttrs;
    merge = path: defs:
      evalOptions path free (if builtins.isFunction options then options (builtins.elemAt path (builtins.length path - 1)) else options) defs;
  };
  # What NixOS writes into a file of settings.
  atom = nullOr (oneOf [ bool number str path package ]);
  setting = either (listOf atom) atom;
}
