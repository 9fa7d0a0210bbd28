// What the browser keeps between visits. A browser that keeps nothing is no error: the page then forgets.

export function recall(name: string): string | null {
  try {
    return localStorage.getItem(`seawall.${name}`);
  } catch {
    return null;
  }
}

export function keep(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`seawall.${name}`);
    else localStorage.setItem(`seawall.${name}`, value);
  } catch {
    // private windows refuse: nothing is kept
  }
}
