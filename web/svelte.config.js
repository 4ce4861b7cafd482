// The class that scopes a component's style comes from the style itself, so that a build does not depend on the clone's folder.
export default { compilerOptions: { runes: true, cssHash: ({ hash, css }) => `s${hash(css)}` } };
