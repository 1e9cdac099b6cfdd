import { describe, expect, it } from "vitest";
import { change, count, DASH, duration, rate, share, usd, usdTick } from "../src/format";
import { minus, sum } from "../src/data/money";
import { csv } from "../src/data/table";

describe("money", () => {
  it.each([
    ["20053.42", "$20,053"],
    ["99.996", "$100"],
    ["65.284", "$65.28"],
    ["0.9951", "$1.00"],
    ["0.0071", "$0.0071"],
    ["0.00999", "$0.010"],
    ["0.000000123", "$0.00000012"],
    ["0", "$0"],
    ["-3.5", "−$3.50"],
  ])("%s reads %s", (amount, text) => expect(usd(amount)).toBe(text));

  it("that is unknown is a dash, never zero", () => {
    expect(usd(null)).toBe(DASH);
    expect(sum([null, null])).toBeNull();
    expect(sum([null, "0.1"])).toBe("0.1");
  });

  it("adds up exactly where floating point would not", () => {
    expect(sum(["0.1", "0.2", "1000000000.000000000001"])).toBe("1000000000.300000000001");
    expect(minus("0.3", "0.1")).toBe("0.2");
    expect(minus("0.1", "0.3")).toBe("-0.2");
  });
});

describe("counts", () => {
  it.each([
    [0, "0"],
    [999, "999"],
    [1000, "1.00k"],
    [9996, "10.0k"],
    [614_000, "614k"],
    [999_700, "1.00M"],
    [2_830_115, "2.83M"],
    [6_600_000_000, "6.60B"],
  ])("%d reads %s", (value, text) => expect(count(value)).toBe(text));
  it("that are unknown are a dash", () => expect(count(null)).toBe(DASH));
});

describe("shares, rates and changes", () => {
  it("never hide a trace, and never divide by nothing", () => {
    expect(share(1, 1000)).toBe("<1%");
    expect(share(0, 1000)).toBe("0%");
    expect(share(3, 0)).toBe(DASH);
    expect(rate(109, 10_000)).toBe("1.1%");
    expect(rate(1234, 10_000)).toBe("12.3%");
  });

  it("have a real sign, and a dash when there was nothing before", () => {
    expect(change(112.4, 100)).toBe("+12.4%");
    expect(change(84.7, 100)).toBe("−15.3%");
    expect(change(5, 0)).toBe(DASH);
    expect(change(5, null)).toBe(DASH);
    expect(change(5000, 100)).toBe("+49×");
  });
});

describe("durations and ticks", () => {
  it("read in the unit that fits", () => {
    expect([919, 9790, 11_800, 240_000, null].map(duration)).toEqual(["919 ms", "9.79 s", "11.8 s", "4.00 min", DASH]);
    expect([0, 200, 1200, 0.05].map(usdTick)).toEqual(["$0", "$200", "$1.2k", "$0.05"]);
  });
});

describe("CSV", () => {
  it("quotes what needs it and defuses formulas", () => {
    const table = {
      columns: ["a", "b"],
      rows: [
        ["x,y", '"q"'],
        ["=1+1", "-0.5"],
        ["@me", "-cmd"],
      ],
    };
    expect(csv(table)).toBe('a,b\r\n"x,y","""q"""\r\n\'=1+1,-0.5\r\n\'@me,\'-cmd\r\n');
  });
});
