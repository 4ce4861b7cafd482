import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig, type Plugin } from "vite";

/** Write the licences of all packages that are part of the bundle into licenses.txt, sorted by name. */
function licenses(): Plugin {
  return {
    name: "licenses",
    generateBundle(_, bundle) {
      const folders = new Map<string, string>();
      for (const chunk of Object.values(bundle)) {
        if (chunk.type !== "chunk") continue;
        for (const id of Object.keys(chunk.modules)) {
          const found = /^(.*\/node_modules\/((?:@[^/]+\/)?[^/]+))\//.exec(id.replace(/^\0/, ""));
          if (found?.[1] && found[2]) folders.set(found[2], found[1]);
        }
      }
      const parts = [...folders].sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, folder]) => licence(name, folder));
      this.emitFile({ type: "asset", fileName: "licenses.txt", source: parts.join("\n" + "-".repeat(78) + "\n\n") });
    },
  };
}

function licence(name: string, folder: string): string {
  const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { version: string; license: string };
  const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
  const text = file ? readFileSync(join(folder, file), "utf8") : `Licence: ${about.license}\n`;
  return `${name} ${about.version}\n\n${text.trim()}\n`;
}

// The engine lets a browser keep every file but index.html for good, so a name holds the hash of its content.
export default defineConfig({
  root: dirname(new URL(import.meta.url).pathname),
  base: "/ui/",
  plugins: [svelte(), licenses()],
  build: {
    outDir: "../core/faceplate/workspace/page",
    emptyOutDir: true,
    target: "es2022",
    cssCodeSplit: false,
    modulePreload: false,
    reportCompressedSize: false,
    rolldownOptions: {
      output: { entryFileNames: "assets/app-[hash].js", chunkFileNames: "assets/[name]-[hash].js", assetFileNames: "assets/[name]-[hash][extname]" },
    },
  },
});
