export function App() {
  return <h1 className="p-4 text-xl">Tallystick</h1>;
}
