// npm run build: the page as plain files in build/page of the repository (or in the directory given).
import { cp, mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = resolve(process.argv[2] ?? join(here, "..", "..", "build", "page"));

await mkdir(out, { recursive: true });
await build({
  entryPoints: [join(here, "main.js")],
  outfile: join(out, "bundle.js"),
  bundle: true,
  minify: true,
  sourcemap: true,
  format: "iife",
  target: "es2022",
  // JsSIP's dependency `debug` reads this; in a browser there is no process object.
  define: { "process.env.NODE_ENV": '"production"' },
  logLevel: "warning",
});
for (const file of ["index.html", "style.css"]) await cp(join(here, file), join(out, file));
console.log(`page built: ${out}`);
