declare module 'node-gyp-build' {
  /** Loads build/Release/*.node of a package folder, else its prebuild for this platform. */
  function load(packageRoot: string): unknown;
  export = load;
}
