import { describe, expect, it } from "vitest";
import { fromWallClock, rangeLabel, toWallClock } from "../src/view/label";
import { buckets, iso, moment, previous, readable, resolve, zoomed } from "../src/view/range";

const now = new Date("2026-11-20T09:30:00Z");
const ends = (from: string, to = "now", tz = "UTC", at = now) => {
  const range = resolve({ from, to, tz }, at);
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
    expect(moment("yesterday", now, "start", "UTC")).toBeNull();
    expect(readable({ from: "now", to: "now-1d", tz: "UTC" }, now)).toBe(false);
    expect(readable({ from: "2026-11-02", to: "2026-11-01", tz: "UTC" }, now)).toBe(false);
  });
});

describe("a zone", () => {
  it("says when days and months begin", () => {
    expect(ends("now/d", "now", "Asia/Tokyo")).toEqual(["2026-11-19T15:00:00Z", "2026-11-20T09:30:00Z"]);
    expect(ends("now/M", "now", "America/New_York")).toEqual(["2026-11-01T04:00:00Z", "2026-11-20T09:30:00Z"]);
    expect(ends("2026-11-01", "2026-11-03", "Asia/Kathmandu")).toEqual([
      "2026-10-31T18:15:00Z",
      "2026-11-02T18:15:00Z",
    ]);
  });

  it("has a today of its own", () => {
    const late = new Date("2026-11-20T23:30:00Z");
    expect(ends("now/d", "now", "Europe/Berlin", late)[0]).toBe("2026-11-20T23:00:00Z");
    expect(ends("now-7d", "now", "Europe/Berlin", late)[0]).toBe("2026-11-14T23:00:00Z");
  });

  it("has days of 25 and 23 hours, and one without a midnight", () => {
    const days = (from: string, to: string, tz: string) => {
      const range = resolve({ from, to, tz }, now);
      return buckets(range.since, range.until, "1d", tz).map((day) => `${iso(day.start)} ${day.partial}`);
    };
    expect(days("2026-10-24", "2026-10-27", "Europe/Berlin")).toEqual([
      "2026-10-23T22:00:00Z false",
      "2026-10-24T22:00:00Z false",
      "2026-10-25T23:00:00Z false",
    ]);
    expect(days("2026-03-29", "2026-03-31", "Europe/Berlin")).toEqual([
      "2026-03-28T23:00:00Z false",
      "2026-03-29T22:00:00Z false",
    ]);
    // Clocks in Santiago go from 23:59:59 to 01:00:00.
    expect(days("2026-09-05", "2026-09-07", "America/Santiago")).toEqual([
      "2026-09-05T04:00:00Z false",
      "2026-09-06T04:00:00Z false",
    ]);
  });

  it("counts hours from where its own begin", () => {
    const range = resolve({ from: "now-24h", to: "now", tz: "Asia/Kolkata" }, now);
    const all = buckets(range.since, range.until, "1h", "Asia/Kolkata");
    expect(all.map((hour) => iso(hour.start)).slice(-2)).toEqual(["2026-11-20T07:30:00Z", "2026-11-20T08:30:00Z"]);
  });
});

describe("the former period", () => {
  const before = (from: string, to = "now", tz = "UTC") => {
    const words = { from, to, tz };
    const range = previous(words, resolve(words, now));
    return [iso(range.since), iso(range.until)];
  };

  it("is the same elapsed part, thirty days earlier", () => {
    expect(before("now-30d")).toEqual(["2026-09-22T00:00:00Z", "2026-10-21T09:30:00Z"]);
  });

  it("is the same part of the month before", () => {
    expect(before("now/M")).toEqual(["2026-10-01T00:00:00Z", "2026-10-20T09:30:00Z"]);
  });

  it("keeps to the days of the zone when its clocks have changed", () => {
    expect(before("now-30d", "now", "Europe/Berlin")).toEqual(["2026-09-21T22:00:00Z", "2026-10-21T08:30:00Z"]);
  });

  it("is as long as a fixed range and ends where it begins", () => {
    expect(before("2026-11-03", "2026-11-05")).toEqual(["2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z"]);
  });
});

describe("buckets", () => {
  it("cover the range, the running one marked as partial", () => {
    const range = resolve({ from: "now-7d", to: "now", tz: "UTC" }, now);
    const all = buckets(range.since, range.until, "1d", "UTC");
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
    const shown = { from: "2026-11-20T06:00:00Z", to: "2026-11-20T08:00:00Z", tz: "UTC" };
    const range = zoomed(resolve(shown, now), 4, now);
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
  const label = (from: string, to = "now", tz = "UTC") => rangeLabel({ from, to }, resolve({ from, to, tz }, now), tz);
  it("use the words of the menu, and dates otherwise", () => {
    expect(label("now-30d")).toBe("Last 30 days");
    expect(label("now-12h")).toBe("Last 12 hours");
    expect(label("2026-11-04", "2026-11-10")).toBe("Nov 4 – Nov 9");
    expect(label("2026-11-03T23:00:00Z", "2026-11-09T23:00:00Z", "Europe/Berlin")).toBe("Nov 4 – Nov 9");
    expect(label("2026-11-04T10:00:00Z", "2026-11-04T12:00:00Z")).toBe("Nov 4 10:00 – 12:00");
  });
});
