// Builds the page into the directory that p2pnode embeds.
import { build } from "esbuild";
import { copyFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";

const dist = "../internal/page/dist";

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
const { metafile } = await build({
  entryPoints: { app: "src/main.tsx" },
  outdir: dist,
  bundle: true,
  minify: true,
  metafile: true,
  format: "esm",
  target: "es2022",
  jsx: "automatic",
  jsxImportSource: "preact",
  logLevel: "warning",
});
for (const name of ["index.html", "icon.svg"]) await copyFile(`src/${name}`, `${dist}/${name}`);

// The licenses of the packages in the bundle ask to be kept with it.
const packages = new Set(
  Object.keys(metafile.inputs)
    .map((path) => /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
    .filter(Boolean),
);
let licenses = "";
for (const name of [...packages].sort()) {
  const { version } = JSON.parse(await readFile(`node_modules/${name}/package.json`, "utf8"));
  const text = await license(`node_modules/${name}`);
  licenses += `${name} ${version}\n\n${text.trim()}\n\n\n`;
}
await writeFile(`${dist}/licenses.txt`, licenses.trimEnd() + "\n");

async function license(dir) {
  for (const name of ["LICENSE", "LICENSE.md", "license"]) {
    try {
      return await readFile(`${dir}/${name}`, "utf8");
    } catch (err) {
      if (err.code !== "ENOENT") throw err;
    }
  }
  throw new Error(`${dir} has no license`);
}
