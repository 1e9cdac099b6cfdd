/** The frame around every page: side bar, top bar, shortcuts, polling and the ready mark. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { clockStore, freshnessStore, refresh } from "./clock";
import { useAnswers } from "./data/answers";
import type { Ingest, Prices } from "./data/api";
import { PAGES } from "./pages";
import { copyText } from "./shell/clipboard";
import { FILTER_MENU } from "./shell/FilterMenu";
import { Help } from "./shell/Help";
import { useKeys } from "./shell/keys";
import { SideBar } from "./shell/SideBar";
import { nextTheme } from "./shell/theme";
import { TopBar } from "./shell/TopBar";
import { useStore, useVisibleInterval } from "./store";
import { go, listenToHistory, pathStore, undo, viewStore } from "./view/navigate";
import { moved, resolve, words, zoomed, type Range } from "./view/range";

const POLL_MS = 30_000;
const WAITING_POLL_MS = 3000;

function change(how: (range: Range, now: Date) => Range): void {
  const now = new Date();
  go(words(how(resolve(viewStore.get(), now), now)));
}

function useShortcuts(setHelp: (open: boolean) => void): void {
  const keys = useMemo(
    () => ({
      "?": () => setHelp(true),
      "/": () => document.getElementById(FILTER_MENU)?.showPopover(),
      r: refresh,
      t: nextTheme,
      ".": () => void copyText(location.href),
      "[": () => change((range) => moved(range, -1)),
      "]": () => change((range) => moved(range, 1)),
      "-": () => change((range, now) => zoomed(range, 2, now)),
      "=": () => change((range, now) => zoomed(range, 0.5, now)),
      Escape: undo,
    }),
    [],
  );
  useKeys(keys);
}

export function App() {
  const view = useStore(viewStore);
  const path = useStore(pathStore);
  const clock = useStore(clockStore);
  const { loading } = useStore(freshnessStore);
  const [menu, setMenu] = useState(false);
  const [help, setHelp] = useState(false);
  const ingest = useAnswers({ ingest: "api/v1/ingest" }, clock.round)<Ingest>("ingest");
  const prices = useAnswers({ prices: "api/v1/prices" }, 0)<Prices>("prices");
  useShortcuts(setHelp);
  useLayoutEffect(listenToHistory, []);
  const waiting = ingest.data !== null && ingest.data.calls === 0;
  useVisibleInterval(useCallback(refresh, []), waiting ? WAITING_POLL_MS : view.to === "now" ? POLL_MS : null);
  const page = PAGES.find((each) => each.path === path);
  useEffect(() => {
    document.title = `${page?.title ?? "Not found"} · costspan`;
  }, [page]);
  useEffect(() => {
    // Tests and screenshots wait for this mark: listeners are attached and the first answers drawn.
    if (!loading || !page) document.documentElement.dataset.ready = "";
  }, [loading, page]);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the figures
      </a>
      <SideBar view={view} ingest={ingest} open={menu} onClose={() => setMenu(false)} />
      <div class="column">
        <TopBar title={page?.title ?? "Not found"} onMenu={() => setMenu(true)} onHelp={() => setHelp(true)} />
        <main id="main" tabIndex={-1}>
          {page ? (
            <page.Component view={view} clock={clock} ingest={ingest} prices={prices.data?.version ?? null} />
          ) : (
            <NotFound />
          )}
        </main>
      </div>
      <Help open={help} onClose={() => setHelp(false)} />
    </div>
  );
}

function NotFound() {
  return (
    <section class="card notice">
      <h2>There is no page at this address</h2>
      <p>It may belong to another version of costspan.</p>
      <a class="control" href={document.baseURI}>
        Open the cost overview
      </a>
    </section>
  );
}
