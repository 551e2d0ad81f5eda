/**
 * What `import … from 'hookswitch'` means in a config file: this program, also where it was installed elsewhere. The
 * file is TypeScript in a checkout and JavaScript in an installed package; a URL is not rewritten by the build.
 */
export const ownModule = new URL(
  import.meta.url.endsWith('.ts') ? './index.ts' : './index.js',
  import.meta.url,
).href
