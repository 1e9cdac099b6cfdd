/** Entry: mounts the dashboard. */
import { render } from "preact";
import { App } from "./app";
import "./shell/theme";
import "./style/tokens.css";
import "./style/base.css";
import "./style/shell.css";
import "./style/panels.css";
import "./style/charts.css";
import "./style/tables.css";

const root = document.getElementById("app");
if (root) render(<App />, root);
