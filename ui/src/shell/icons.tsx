/** Line icons on a 24-unit grid. */

const PATHS = {
  overview: "M4 4v15a1 1 0 0 0 1 1h15M8.5 16v-5M13 16V7M17.5 16v-3",
  explore: "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14ZM16 16l4.5 4.5",
  budgets: "M4 17a8 8 0 1 1 16 0M12 17l4-5M4 17h2M18 17h2",
  whatif: "M4 18 10 12M10 12l9-6M10 12l9 6M15 6h4v4M15 18h4v-4",
  alerts: "M12 4a5 5 0 0 0-5 5c0 5-2 6-2 7h14c0-1-2-2-2-7a5 5 0 0 0-5-5ZM10 19.5h4",
  reconcile: "M12 4v16M8 20h8M5 7h14M5 7l-2.5 6h5ZM19 7l-2.5 6h5Z",
  prices: "M4 11V5a1 1 0 0 1 1-1h6l9 9-7 7-9-9ZM8 8h.01",
  ingest: "M12 3v11M8 10l4 4 4-4M4 17v3h16v-3",
  tools: "M14.5 6.5a4 4 0 0 0-5.3 5L4 16.7 7.3 20l5.2-5.2a4 4 0 0 0 5-5.3l-2.6 2.6-2.5-.6-.6-2.5Z",
  reliability: "M3 12h4l3-7 4 14 3-7h4",
  calls: "M4 6h16M4 12h16M4 18h10",
  trace: "M4 5h8M8 10h9M8 15h6M12 20h8M5.5 7v11",
  calendar: "M7 3v4M17 3v4M4 10h16M5 5h14a1 1 0 0 1 1 1v13a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1V6a1 1 0 0 1 1-1Z",
  down: "m7 10 5 5 5-5",
  close: "m7 7 10 10M17 7 7 17",
  plus: "M12 5v14M5 12h14",
  refresh: "M20 5v5h-5M4 19v-5h5M5.6 9A7 7 0 0 1 17.5 7L20 10M18.4 15A7 7 0 0 1 6.5 17L4 14",
  link: "M10 14a4 4 0 0 0 6 .4l3-3a4 4 0 0 0-5.7-5.7l-1 1M14 10a4 4 0 0 0-6-.4l-3 3a4 4 0 0 0 5.7 5.7l1-1",
  light:
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8ZM12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  dark: "M20 14.5A8.5 8.5 0 0 1 9.5 4a8.5 8.5 0 1 0 10.5 10.5Z",
  system: "M4 5h16v11H4ZM9 20h6M12 16v4",
  menu: "M4 7h16M4 12h16M4 17h16",
  more: "M6 12h.01M12 12h.01M18 12h.01",
  alert: "M12 4 2.8 19.5h18.4ZM12 10v4M12 17h.01",
  copy: "M9 9h10v11H9ZM5 15V4h10",
  help: "M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18ZM9.5 9.5a2.5 2.5 0 1 1 3.5 2.3c-.7.3-1 .8-1 1.7M12 16.8h.01",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 18 }: { name: IconName; size?: number }) {
  return (
    <svg class="icon" width={size} height={size} viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
    </svg>
  );
}
