import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App.tsx";
import { reloadOnceWhenOutdated } from "./app/outdated.ts";
import { watchSession } from "./app/watchSession.ts";
import "./index.css";

reloadOnceWhenOutdated();
watchSession(location);
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
