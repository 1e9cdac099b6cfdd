import { describe, expect, it } from "vitest";
import { fromWallClock, rangeLabel, toWallClock } from "../src/view/label";
import { buckets, iso, moment, previous, readable, resolve, zoomed } from "../src/view/range";

const now = new Date("2026-11-20T09:30:00Z");
const ends = (from: string, to = "now") => {
  const range = resolve({ from, to }, now);
  return [iso(range.since), iso(range.until)];
};

describe("time words", () => {
  it("count the running day as one of the thirty", () => {
    expect(ends("now-30d")).toEqual(["2026-10-22T00:00:00Z", "2026-11-20T09:30:00Z"]);
  });

  it("count the running hour as one of the twenty-four", () => {
    expect(ends("now-24h")).toEqual(["2026-11-19T10:00:00Z", "2026-11-20T09:30:00Z"]);
  });

  it("name calendar months and days", () => {
    expect(ends("now/M")).toEqual(["2026-11-01T00:00:00Z", "2026-11-20T09:30:00Z"]);
    expect(ends("now-1M/M", "now/M")).toEqual(["2026-10-01T00:00:00Z", "2026-11-01T00:00:00Z"]);
    expect(ends("now/d")).toEqual(["2026-11-20T00:00:00Z", "2026-11-20T09:30:00Z"]);
  });

  it("take times with an offset, and dates as UTC", () => {
    expect(ends("2026-11-01", "2026-11-02T05:45:00+05:45")).toEqual(["2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"]);
  });

  it("are refused when they mean nothing or run backwards", () => {
    expect(moment("yesterday", now, "start")).toBeNull();
    expect(readable({ from: "now", to: "now-1d" }, now)).toBe(false);
    expect(readable({ from: "2026-11-02", to: "2026-11-01" }, now)).toBe(false);
  });
});

describe("the former period", () => {
  const before = (from: string, to = "now") => {
    const words = { from, to };
    const range = previous(words, resolve(words, now));
    return [iso(range.since), iso(range.until)];
  };

  it("is the same elapsed part, thirty days earlier", () => {
    expect(before("now-30d")).toEqual(["2026-09-22T00:00:00Z", "2026-10-21T09:30:00Z"]);
  });

  it("is the same part of the month before", () => {
    expect(before("now/M")).toEqual(["2026-10-01T00:00:00Z", "2026-10-20T09:30:00Z"]);
  });

  it("is as long as a fixed range and ends where it begins", () => {
    expect(before("2026-11-03", "2026-11-05")).toEqual(["2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z"]);
  });
});

describe("buckets", () => {
  it("cover the range, the running one marked as partial", () => {
    const range = resolve({ from: "now-7d", to: "now" }, now);
    const all = buckets(range.since, range.until, "1d");
    expect(all.map((bucket) => iso(bucket.start).slice(5, 10))).toEqual([
      "11-14",
      "11-15",
      "11-16",
      "11-17",
      "11-18",
      "11-19",
      "11-20",
    ]);
    expect(all.map((bucket) => bucket.partial)).toEqual([false, false, false, false, false, false, true]);
  });
});

describe("zooming", () => {
  it("keeps whole hours and does not reach into the future", () => {
    const range = zoomed(resolve({ from: "2026-11-20T06:00:00Z", to: "2026-11-20T08:00:00Z" }, now), 4, now);
    expect([iso(range.since), iso(range.until)]).toEqual(["2026-11-20T03:00:00Z", "2026-11-20T10:00:00Z"]);
  });
});

describe("wall clocks", () => {
  it.each([
    ["2026-11-20 09:30", "Asia/Kathmandu", "2026-11-20T03:45:00Z"],
    ["2026-03-29 03:30", "Europe/Berlin", "2026-03-29T01:30:00Z"],
    ["2026-11-20", "UTC", "2026-11-20T00:00:00Z"],
  ])("%s in %s is %s", (text, zone, wanted) => {
    const at = fromWallClock(text, zone);
    expect(at && iso(at)).toBe(wanted);
    expect(at && toWallClock(at, zone).slice(0, text.length)).toBe(text.replace(" ", "T"));
  });

  it("refuse what is no time", () => {
    expect(fromWallClock("soon", "UTC")).toBeNull();
  });
});

describe("labels", () => {
  const label = (from: string, to = "now") => rangeLabel({ from, to }, resolve({ from, to }, now), "UTC");
  it("use the words of the menu, and dates otherwise", () => {
    expect(label("now-30d")).toBe("Last 30 days");
    expect(label("now-12h")).toBe("Last 12 hours");
    expect(label("2026-11-04", "2026-11-10")).toBe("Nov 4 – Nov 9");
    expect(label("2026-11-04T10:00:00Z", "2026-11-04T12:00:00Z")).toBe("Nov 4 10:00 – 12:00");
  });
});
