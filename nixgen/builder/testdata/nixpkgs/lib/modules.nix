# A module system in little: modules are sets or functions, name their imports,
# declare options and define values. Unlike NixOS's it checks every definition
# at once, so a typing mistake fails even where nobody reads the option.
let
  inherit (builtins)
    all attrNames concatLists concatMap concatStringsSep elem filter foldl' head
    isAttrs isFunction isPath isString listToAttrs map mapAttrs sort toJSON;

  # Marks around a value.
  mkOverride = priority: content: { _type = "override"; inherit priority content; };
  mkOrder = order: content: { _type = "order"; inherit order content; };
  mkIf = condition: content: { _type = "if"; inherit condition content; };
  mkMerge = contents: { _type = "merge"; inherit contents; };
  kind = v: if isAttrs v then v._type or "" else "";

  dotted = concatStringsSep ".";
  show = v:
    if isAttrs v then (if v ? outPath then "<derivation>" else "{ ... }")
    else if builtins.isList v then "[ ${concatStringsSep " " (map show v)} ]"
    else if isFunction v then "<function>"
    else if isPath v then toString v
    else toJSON v;
  showDefs = defs: concatStringsSep "" (map (d: "\n- In `${d.file}': ${show d.value}") defs);

  # One definition without its marks: none, one or several.
  bare = d:
    let v = d.value; again = more: bare (d // more);
    in {
      override = again { value = v.content; inherit (v) priority; };
      order = again { value = v.content; inherit (v) order; };
      "if" = if v.condition then again { value = v.content; } else [ ];
      merge = concatMap (c: again { value = c; }) v.contents;
    }.${kind v} or [ d ];

  # Marks around a set of options go to each member, with the condition unread:
  # it may depend on the configuration that is being made.
  spread = d:
    let
      v = d.value;
      inner = mark: concatMap (x: [ (x // { value = mapAttrs (_: mark) x.value; }) ]) (spread (d // { value = v.content; }));
    in {
      override = inner (mkOverride v.priority);
      order = inner (mkOrder v.order);
      "if" = inner (mkIf v.condition);
      merge = concatMap (c: spread (d // { value = c; })) v.contents;
    }.${kind v} or [ d ];

  member = name: defs: concatMap (d: if d.value ? ${name} then [ (d // { value = d.value.${name}; }) ] else [ ]) defs;

  # The value of one option of a type, from its definitions.
  mergeOption = path: type: defs:
    let
      candidates = concatMap (d: bare ({ priority = 100; order = 1000; } // d)) defs;
      strongest = foldl' (p: d: if d.priority < p then d.priority else p) 9999 candidates;
      chosen = sort (a: b: a.order < b.order) (filter (d: d.priority == strongest) candidates);
      wrong = filter (d: !(type.check d.value)) chosen;
      plain = map (d: { inherit (d) file value; }) chosen;
    in
    if wrong != [ ]
    then throw "A definition for option `${dotted path}' is not of type `${type.name}'. Definition values:${showDefs wrong}"
    else type.merge path plain;

  # All values below a tree of options. free is the type of undeclared names,
  # null where they are mistakes.
  evalOptions = path: free: options: definitions:
    let
      defs = concatMap spread definitions;
      stray = concatMap (d: map (n: { inherit (d) file; name = n; value = d.value.${n}; }) (filter (n: !(options ? ${n})) (attrNames d.value))) defs;
      value = name: o:
        let here = member name defs; at = path ++ [ name ];
        in
        if kind o != "option" then evalOptions at null o here
        else if here == [ ] && !(o ? default)
        then throw "The option `${dotted at}' was accessed but has no value defined. Try setting the option."
        else mergeOption at o.type (here ++ (if o ? default then [ { file = "the default"; value = mkOverride 1500 o.default; } ] else [ ]));
      extra = listToAttrs (map (s: { inherit (s) name; value = mergeOption (path ++ [ s.name ]) free (member s.name defs); }) stray);
    in
    if stray == [ ] then mapAttrs value options
    else if free != null then extra // mapAttrs value options
    else throw "The option `${dotted (path ++ [ (head stray).name ])}' does not exist. Definition values:${showDefs [ (head stray) ]}";

  # Modules with all they import, each file once.
  load = args: seen: todo:
    if todo == [ ] then [ ]
    else
      let
        first = head todo;
        file = if isPath first || isString first then toString first else first._file or "<unknown-file>";
        read = if isPath first || isString first then import first else first;
        body = if isFunction read then read (args read) else read;
        sorted = body ? config || body ? options;
        this = {
          inherit file;
          options = body.options or { };
          config = if sorted then body.config or { } else removeAttrs body [ "imports" "_file" ];
        };
        known = isPath first && elem file seen || isString first && elem file seen;
      in
      if known then load args seen (builtins.tail todo)
      else [ this ] ++ load args (seen ++ [ file ]) ((body.imports or [ ]) ++ builtins.tail todo);

  deepUpdate = a: b:
    if kind a == "" && kind b == "" && isAttrs a && isAttrs b
    then a // mapAttrs (n: v: if a ? ${n} then deepUpdate a.${n} v else v) b
    else b;

  # What a module function asks for by name is of specialArgs, or of
  # _module.args, which modules define.
  evalModules = { modules, specialArgs ? { } }:
    let
      here = { inherit config options; lib = import ./.; } // specialArgs;
      args = module: here // mapAttrs (name: _: here.${name} or config._module.args.${name}) (builtins.functionArgs module);
      loaded = load args [ ] modules;
      options = foldl' (o: m: deepUpdate o m.options) { } loaded;
      config = evalOptions [ ] null options (map (m: { inherit (m) file; value = m.config; }) loaded);
    in
    {
      inherit config options;
      extendModules = more: evalModules {
        modules = modules ++ more.modules or [ ];
        specialArgs = specialArgs // more.specialArgs or { };
      };
    };
in
{ inherit mkOverride mkOrder mkIf mkMerge mergeOption evalOptions evalModules showDefs; }
