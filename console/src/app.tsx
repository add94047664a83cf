// SPDX-License-Identifier: Apache-2.0
// The frame around every page: sign-in first, then navigation and the page that the address names. Pages but the wall are fetched
// when they are opened.
import type {ComponentType} from 'preact';
import {useEffect, useState} from 'preact/hooks';
import {Wall} from './pages/wall';
import {SignIn} from './pages/sign_in';
import {type Route, linkTo, useRoute} from './route';
import {isSignedIn, signOut} from './session';
import {applyTheme, currentTheme, nextTheme} from './theme';

export interface PageProps { name: string; query: URLSearchParams }
type Page = ComponentType<PageProps>;

const loaders: Record<string, () => Promise<Page>> = {
  camera: async () => (await import('./pages/camera')).CameraPage,
  publish: async () => (await import('./pages/publish')).PublishPage,
  sessions: async () => (await import('./pages/sessions')).SessionsPage,
  storage: async () => (await import('./pages/storage')).StoragePage,
  access: async () => (await import('./pages/access')).AccessPage,
};
const places: [string, string][] = [['cameras', 'Cameras'], ['publish', 'Publish'], ['sessions', 'Sessions'], ['storage', 'Storage'], ['access', 'Access']];

function usePage(route: Route): {Page?: Page; error?: string} {
  const wanted = route.page === 'cameras' && route.name ? 'camera' : route.page;
  const [loaded, setLoaded] = useState<{wanted: string; Page?: Page; error?: string}>({wanted: ''});
  useEffect(() => {
    let over = false;
    const load = loaders[wanted];
    if (!load) return undefined;
    load().then((Page) => !over && setLoaded({wanted, Page}),
      (error: Error) => !over && setLoaded({wanted, error: `This page could not be fetched: ${error.message}`}));
    return () => { over = true; };
  }, [wanted]);
  if (wanted === 'cameras') return {Page: Wall};
  if (!loaders[wanted]) return {error: 'There is no such page.'};
  return loaded.wanted === wanted ? loaded : {};
}

function ThemeSwitch() {
  const [theme, setTheme] = useState(currentTheme);
  const turn = () => {
    const next = nextTheme(theme);
    applyTheme(next);
    setTheme(next);
  };
  return <button class="quiet" onClick={turn} aria-label={`Theme: ${theme}. Change`}>Theme: {theme}</button>;
}

function Signed() {
  const route = useRoute();
  const {Page, error} = usePage(route);
  return (
    <>
      <a class="skip" href="#main" onClick={(event) => { event.preventDefault(); document.getElementById('main')?.focus(); }}>Skip to the page</a>
      <header class="bar">
        <a class="brand" href={linkTo('cameras')}><img src="icon.svg" alt="" width="22" height="22" />Tidegate</a>
        <nav aria-label="Pages">
          {places.map(([page, title]) => <a href={linkTo(page)} aria-current={route.page === page ? 'page' : undefined}>{title}</a>)}
        </nav>
        <div class="bar-end"><ThemeSwitch /><button class="quiet" onClick={signOut}>Sign out</button></div>
      </header>
      <main id="main" tabIndex={-1}>
        {error ? <p class="notice bad" role="alert">{error}</p> : Page ? <Page key={`${route.page}/${route.name}`} name={route.name} query={route.query} />
          : <p class="waiting" role="status">Loading</p>}
      </main>
    </>
  );
}

export function App() {
  const [signed, setSigned] = useState(isSignedIn);
  useEffect(() => {
    const follow = () => setSigned(isSignedIn());
    addEventListener('sessionchange', follow);
    return () => removeEventListener('sessionchange', follow);
  }, []);
  return signed ? <Signed /> : <SignIn />;
}
