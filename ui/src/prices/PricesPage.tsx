/** Which price was used when, what has none, and what changed prices would change. */
import { useCallback, useEffect, useState } from "preact/hooks";
import { freshnessStore, refresh } from "../clock";
import { useAnswers } from "../data/answers";
import type { Prices } from "../data/api";
import { ratesUrl, type Rates, type Runs, type Unpriced } from "../data/prices";
import type { PageProps } from "../pages";
import { Catalogue } from "./Catalogue";
import { Repricing } from "./Repricing";
import { UnpricedModels } from "./UnpricedModels";

export default function PricesPage({ view, clock }: PageProps) {
  const [provider, setProvider] = useState("openai");
  const [model, setModel] = useState("");
  const answers = useAnswers(
    {
      prices: "api/v1/prices",
      rates: ratesUrl(provider, model.trim()),
      unpriced: "api/v1/prices/unpriced",
      runs: "api/v1/reprice",
    },
    clock.round,
  );
  const unpriced = answers<Unpriced>("unpriced");
  const loading = unpriced.loading || answers("rates").loading;
  useEffect(() => freshnessStore.set({ loading, receivedAt: unpriced.receivedAt }), [loading, unpriced.receivedAt]);
  const onChanged = useCallback(refresh, []);
  return (
    <div class="page">
      <UnpricedModels answer={unpriced} view={view} onChanged={onChanged} />
      <Repricing runs={answers<Runs>("runs")} view={view} onChanged={onChanged} />
      <Catalogue
        answer={answers<Rates>("rates")}
        providers={answers<Prices>("prices").data?.providers ?? [provider]}
        provider={provider}
        model={model}
        onProvider={setProvider}
        onModel={setModel}
      />
    </div>
  );
}
