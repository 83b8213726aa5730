# Packages that are called by name and can be made again with other arguments.
rec {
  # A function that takes sets can be told what it takes.
  setFunctionArgs = f: args: { __functor = _: f; __functionArgs = args; };
  functionArgs = f: if f ? __functor then f.__functionArgs or (functionArgs (f.__functor f)) else builtins.functionArgs f;
  isFunction = f: builtins.isFunction f || f ? __functor;

  makeOverridable = f: args:
    f args // {
      override = setFunctionArgs
        (new: makeOverridable f (args // (if isFunction new then new args else new)))
        (functionArgs f);
    };

  callPackageWith = packages: package: args:
    let f = if builtins.isFunction package then package else import package;
    in makeOverridable f (builtins.intersectAttrs (functionArgs f) packages // args);
}
