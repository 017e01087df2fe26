/** What `custom-elements.json` says comes from the JSDoc of the elements' classes. */
const ELEMENT_PATH = /^src\/components\/(tai-[a-z-]+)\/\1\.ts$/;

/** Only what pages may rely on: names, and nothing private. */
function publicFace() {
  return {
    name: 'tai-public-face',
    packageLinkPhase({ customElementsManifest }) {
      for (const module of customElementsManifest.modules) {
        const tagName = ELEMENT_PATH.exec(module.path)?.[1];
        const classes = module.declarations.filter((each) => each.kind === 'class');
        module.declarations = tagName ? classes.filter((each) => each.superclass) : classes;
        const names = new Set(module.declarations.map((each) => each.name));
        module.exports = module.exports.filter((each) => names.has(each.name));
        for (const declaration of module.declarations) tidy(declaration, tagName, module);
      }
      customElementsManifest.modules = customElementsManifest.modules.filter((each) => each.exports.length > 0);
    },
  };
}

function tidy(declaration, tagName, module) {
  const isPublic = (member) => !/^[#[]/.test(member.name) && (member.privacy ?? 'public') === 'public';
  const hidden = new Set((declaration.members ?? []).filter((each) => !isPublic(each)).map((each) => each.name));
  declaration.members = declaration.members?.filter((each) => isPublic(each) && !each.name.endsWith('Callback'));
  if (!tagName) return;
  declaration.attributes = declaration.attributes?.filter((each) => !hidden.has(each.fieldName ?? each.name));
  // The analyzer takes the first argument of an event's constructor for its name.
  declaration.events = declaration.events?.filter((each) => each.name.startsWith('tai-'));
  // Registered in a loop, which the analyzer does not follow: folder, file and tag have one name.
  declaration.tagName = tagName;
  declaration.customElement = true;
  const reference = { name: declaration.name, module: module.path };
  module.exports.push({ kind: 'custom-element-definition', name: tagName, declaration: reference });
}

export default {
  globs: ['src/components/tai-*/tai-*.ts', 'src/components/internal/events.ts'],
  exclude: ['**/*.styles.ts', '**/*.template.ts'],
  litelement: true,
  packagejson: false,
  plugins: [publicFace()],
};
