/** Light, dark or as the system says: kept on this machine, never in a link. */
import { createStore } from "../store";

export const THEMES = ["system", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];
const STORED = "costspan.theme";

export const themeStore = createStore<Theme>(THEMES.find((each) => each === localStorage.getItem(STORED)) ?? "system");

function apply(): void {
  const theme = themeStore.get();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

apply();
themeStore.subscribe(() => {
  localStorage.setItem(STORED, themeStore.get());
  apply();
});

export function nextTheme(): void {
  themeStore.set(THEMES[(THEMES.indexOf(themeStore.get()) + 1) % THEMES.length] ?? "system");
}
