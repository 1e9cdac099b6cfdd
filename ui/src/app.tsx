/** The frame around every page: side bar, top bar, shortcuts, live updates and the ready mark. */
import { useCallback, useEffect, useLayoutEffect, useMemo, useState } from "preact/hooks";
import { clockStore, freshnessStore, refresh } from "./clock";
import { useAnswers } from "./data/answers";
import type { Ingest, Prices } from "./data/api";
import { useLive } from "./data/live";
import { PAGES, pageAt, type Found, type Page, type PageComponent, type PageProps } from "./pages";
import { copyText } from "./shell/clipboard";
import { FILTER_MENU } from "./shell/FilterMenu";
import { Help } from "./shell/Help";
import { useKeys } from "./shell/keys";
import { SideBar } from "./shell/SideBar";
import { nextTheme } from "./shell/theme";
import { TopBar } from "./shell/TopBar";
import { useStore, useVisibleInterval } from "./store";
import { go, linkTo, listenToHistory, pathStore, undo, viewStore, visit } from "./view/navigate";
import { moved, resolve, words, zoomed, type Range } from "./view/range";

const POLL_MS = 30_000;
const WAITING_POLL_MS = 3000;
/** While the server says when there is something new, polling only moves the range along. */
const LIVE_POLL_MS = 60_000;

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
      ...Object.fromEntries(
        PAGES.filter((page) => page.key).map((page) => [
          `g ${page.key}`,
          () => visit(linkTo(viewStore.get(), page.path)),
        ]),
      ),
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
  const moving = view.to === "now";
  const live = useLive(moving && !waiting, ingest.data?.received_spans ?? null);
  const pollMs = waiting ? WAITING_POLL_MS : !moving ? null : live ? LIVE_POLL_MS : POLL_MS;
  useVisibleInterval(useCallback(refresh, []), pollMs);
  const found = pageAt(path);
  const page = found?.page ?? null;
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
      <SideBar view={view} ingest={ingest} page={page} open={menu} onClose={() => setMenu(false)} />
      <div class="column">
        <TopBar
          title={page?.title ?? "Not found"}
          timeless={page?.timeless ?? false}
          onMenu={() => setMenu(true)}
          onHelp={() => setHelp(true)}
        />
        <main id="main" tabIndex={-1}>
          {found ? (
            <Shown
              found={found}
              props={{ view, clock, ingest, prices: prices.data?.version ?? null, rest: found.rest }}
            />
          ) : (
            <NotFound />
          )}
        </main>
      </div>
      <Help open={help} onClose={() => setHelp(false)} />
    </div>
  );
}

const fetched = new Map<Page, PageComponent>();

/** The page's component, once it has been fetched. */
function useComponent(page: Page): { Component: PageComponent | null; failed: boolean } {
  const [round, setRound] = useState(0);
  const [failed, setFailed] = useState(false);
  useEffect(() => {
    setFailed(false);
    if (!page.load || fetched.has(page)) return;
    page.load().then(
      (Component) => {
        fetched.set(page, Component);
        setRound(round + 1);
      },
      () => setFailed(true),
    );
  }, [page]);
  return { Component: page.Component ?? fetched.get(page) ?? null, failed };
}

function Shown({ found, props }: { found: Found; props: PageProps }) {
  const { Component, failed } = useComponent(found.page);
  if (Component) return <Component key={found.page.path} {...props} />;
  if (!failed) return <div class="page" aria-busy="true" />;
  return (
    <section class="card notice" role="alert">
      <h2>This page could not be loaded</h2>
      <p>The server may have been replaced by another version of costspan.</p>
      <button type="button" class="control" onClick={() => location.reload()}>
        Load it again
      </button>
    </section>
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
