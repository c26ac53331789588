import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

const server = process.env["TOWPATH_WEB"] ?? "http://127.0.0.1:7073";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../../runtime/local/src/towpath_local/_web",
    emptyOutDir: true,
    // The Content-Security-Policy allows nothing inline.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    target: "es2022",
  },
  server: {
    proxy: { "/towpath.control.v1.": { target: server, changeOrigin: true } },
  },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"], environment: "node" },
});
