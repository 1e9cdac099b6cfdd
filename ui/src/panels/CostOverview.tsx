/** The first page: how much, going where, is it normal? */
import { useEffect, useMemo, useState } from "preact/hooks";
import { freshnessStore, type Clock } from "../clock";
import type { PageProps } from "../pages";
import { useAnswers, type Answer } from "../data/answers";
import { groupOf, type Spend } from "../data/api";
import { HISTORY_URL, type History } from "../data/alerts";
import { BUDGETS_URL, budgetFor, type Budgets } from "../data/budgets";
import { forecastUrl, type Forecast } from "../data/forecast";
import { anomaliesUrl, marksOf, type Anomalies } from "../data/marks";
import { ask, rankByCost, wasRecorded, type Asked } from "../data/overview";
import { along, bucketsOf } from "../data/series";
import { tones } from "../data/tones";
import { rangeLabel } from "../view/label";
import type { View, Who } from "../view/view";
import { CostByModel } from "./CostByModel";
import { CostOverTime } from "./CostOverTime";
import { InputOutput } from "./InputOutput";
import { NoMatch, SetUp } from "./Notices";
import { CallsByModel, TokensPerModel } from "./RankedBars";
import { Reliability } from "./Reliability";
import { Tiles } from "./Tiles";
import { WhoIsSpending } from "./WhoIsSpending";

const PARTS = ["buckets", "series", "models", "who", "before", "trends", "latencies"] as const;
type Parts = Readonly<Record<(typeof PARTS)[number], Answer<Spend>>>;

/** Load the page's documents; trends and latencies follow once the table says whose they are. */
function useOverview(view: View, clock: Clock): { asked: Asked; parts: Parts } {
  const [who, setWho] = useState<{ dimension: Who; spend: Spend | null }>({ dimension: view.who, spend: null });
  const asked = useMemo(() => ask(view, clock.now, who), [view, clock.now, who]);
  const answers = useAnswers(asked.questions, clock.round);
  const parts = Object.fromEntries(PARTS.map((name) => [name, answers<Spend>(name)])) as unknown as Parts;
  const { data, url } = parts.who;
  useEffect(() => {
    const dimension = new URLSearchParams(url.split("?")[1]).get("group_by") as Who;
    if (data && !parts.who.loading) setWho({ dimension, spend: data });
  }, [data, parts.who.loading]);
  const main = [parts.buckets, parts.series, parts.models, parts.who];
  const loading = main.some((part) => part.loading) || (asked.questions.before !== null && parts.before.loading);
  const receivedAt = parts.buckets.receivedAt;
  useEffect(() => freshnessStore.set({ loading, receivedAt }), [loading, receivedAt]);
  return { asked, parts };
}

export function CostOverview({ view, clock, ingest, prices }: PageProps) {
  const { asked, parts } = useOverview(view, clock);
  const buckets = parts.buckets.data;
  const timeline = useMemo(() => {
    const all = buckets ? bucketsOf(buckets) : [];
    return { buckets: all, rows: along(all, buckets?.rows ?? []) };
  }, [buckets]);
  const modelTones = useMemo(
    () =>
      tones(
        "model",
        rankByCost(parts.models.data?.rows ?? []).map((row) => groupOf(row, "model")),
      ),
    [parts.models.data],
  );
  const later = useAnswers(
    {
      budgets: parts.series.data ? BUDGETS_URL : null,
      forecast: parts.series.data ? forecastUrl(view.filters, view.tz) : null,
    },
    clock.round,
  );
  const { filters } = view;
  // Looking for them takes a while: asked for once the page is there, and again where the address is another.
  const unusual = useAnswers(
    {
      anomalies: parts.trends.data ? anomaliesUrl(asked.range, filters) : null,
      alerts: parts.trends.data ? HISTORY_URL : null,
    },
    0,
  );
  const [anomalies, alerts] = [unusual<Anomalies>("anomalies"), unusual<History>("alerts")];
  const firstCallAt = ingest.data?.first_call_at ?? null;
  // Both at once, so that no mark moves under the pointer.
  const isKnown = [anomalies, alerts].every((each) => each.data ?? each.problem);
  const marks = useMemo(
    () => (isKnown ? marksOf(anomalies.data, alerts.data, asked.range, filters, firstCallAt) : []),
    [isKnown, anomalies.data, alerts.data, asked.range, filters, firstCallAt],
  );
  const budgets = later<Budgets>("budgets").data;
  const budget = budgetFor(view.filters, budgets?.budgets ?? []);
  const caption = rangeLabel(view, asked.range, view.tz).toLowerCase();
  if (ingest.data?.calls === 0 && !buckets?.total.calls) return <SetUp ingest={ingest.data} />;
  if (buckets?.total.calls === 0 && !parts.buckets.loading) return <NoMatch view={view} ingest={ingest.data} />;
  const before = asked.before && wasRecorded(asked.before, ingest.data) ? parts.before : null;
  return (
    <div class="page">
      <Tiles answer={parts.buckets} timeline={timeline} before={before?.data?.total ?? null} />
      <div class="grid split">
        <CostOverTime
          answer={parts.series}
          view={view}
          range={asked.range}
          budget={budget}
          forecast={later<Forecast>("forecast").data}
          marks={marks}
        />
        <CostByModel answer={parts.models} view={view} tones={modelTones} />
      </div>
      <div class="grid thirds">
        <InputOutput answer={parts.buckets} timeline={timeline} view={view} range={asked.range} />
        <TokensPerModel answer={parts.models} view={view} caption={caption} tones={modelTones} />
        <CallsByModel
          answer={parts.models}
          view={view}
          caption={caption}
          tones={modelTones}
          chosen={buckets?.total ?? null}
        />
      </div>
      <div class="grid split">
        <WhoIsSpending
          answer={parts.who}
          before={before}
          trends={parts.trends}
          latencies={parts.latencies}
          view={view}
        />
        <Reliability answer={parts.buckets} timeline={timeline} />
      </div>
      <footer>
        {prices && <span>Prices: catalogue {prices}</span>}
        <span>Cost is an estimate from the token counts that calls reported</span>
        {ingest.data && <span>costspan {ingest.data.version}</span>}
      </footer>
    </div>
  );
}
