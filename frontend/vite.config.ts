import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const API = process.env.TALLYSTICK_API ?? "http://localhost:8000";
const SERVER_PATHS = ["/api", "/log", "/docs", "/livez", "/readyz"];

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: { target: "es2022", manifest: true, sourcemap: false },
  server: { proxy: Object.fromEntries(SERVER_PATHS.map((path) => [path, { target: API }])) },
});
