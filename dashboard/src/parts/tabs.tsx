// Tabs as screen readers know them: arrows move, the chosen one alone is reached by Tab.
type Tab = { id: string; name: string; count?: number };

export function Tabs({ label, tabs, chosen, choose }: { label: string; tabs: Tab[]; chosen: string; choose: (id: string) => void }) {
  const step = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    const at = tabs.findIndex((tab) => tab.id === chosen);
    const next = tabs[(at + by + tabs.length) % tabs.length]!;
    choose(next.id);
    (event.currentTarget as HTMLElement).querySelector<HTMLElement>(`[data-tab="${next.id}"]`)?.focus();
  };
  return (
    <div class="tabs" role="tablist" aria-label={label} onKeyDown={step}>
      {tabs.map((tab) => (
        <button
          key={tab.id}
          type="button"
          role="tab"
          id={`tab-${tab.id}`}
          data-tab={tab.id}
          aria-selected={tab.id === chosen}
          tabIndex={tab.id === chosen ? 0 : -1}
          onClick={() => choose(tab.id)}
        >
          {tab.name}
          {tab.count ? <span class="count">{tab.count}</span> : null}
        </button>
      ))}
    </div>
  );
}
