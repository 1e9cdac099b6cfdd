import { defineConfig } from "vite";

// Relative asset addresses: the server may live under any path and says so in <base href>.
export default defineConfig({
  base: "./",
  build: {
    outDir: "../src/costspan/server/web/static",
    emptyOutDir: true,
    // light-dark() and popover are used as they are: browsers from the first half of 2024 on.
    target: ["chrome123", "firefox125", "safari17.5"],
    cssTarget: ["chrome123", "firefox125", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": "http://127.0.0.1:4318" } },
});
