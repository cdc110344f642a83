// Exits 0 when the node on this machine answers eth_blockNumber, else 1.
const request = { jsonrpc: "2.0", id: 1, method: "eth_blockNumber", params: [] };
try {
  const answer = await fetch(process.argv[2] ?? "http://127.0.0.1:8545", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(request),
    signal: AbortSignal.timeout(4000),
  });
  const { result } = await answer.json();
  process.exit(/^0x[0-9a-f]+$/.test(result) ? 0 : 1);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
