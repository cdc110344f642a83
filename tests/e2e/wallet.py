"""A wallet as an extension injects it (EIP-1193, announced by EIP-6963); its key stays here.

The page sees a provider that asks this process. It can be told to behave as real wallets do:
to refuse, to sit on another chain, to sign with another key.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from eth_account.messages import encode_typed_data
from eth_account.signers.local import LocalAccount

from backend.settlement.wallet import load_keystore

NAME = "Test Wallet"
READS = ("eth_blockNumber", "eth_getBlockByNumber", "eth_call", "eth_getBlockByHash")

INIT = """
(() => {
  const provider = {
    on() { return provider; },
    removeListener() { return provider; },
    async request({ method, params }) {
      const answer = await window.__walletRpc(method, JSON.stringify(params ?? []));
      if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error);
      return answer.result;
    },
  };
  const info = Object.freeze({
    uuid: "4f1c6a3e-5f0d-4d52-9a53-5a0d8a4b8f11", name: "Test Wallet",
    icon: "data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg'/>", rdns: "test.wallet",
  });
  const announce = () => window.dispatchEvent(
    new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
"""


@dataclass
class InjectedWallet:
    """One account on one chain, and what it was asked."""

    account: LocalAccount
    chain_url: str
    chain_id: int = 31_337
    rejects: bool = False
    signs_with: LocalAccount | None = None
    asked: list[str] = field(default_factory=list)
    signed: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, _source: Any, method: str, params: str) -> dict[str, Any]:
        """What the binding gives the page: ``{result}`` or ``{error: {code, message}}``."""
        self.asked.append(method)
        values = json.loads(params)
        if method == "eth_chainId":
            return {"result": hex(self.chain_id)}
        if method in ("eth_accounts", "eth_requestAccounts"):
            return {"result": [str(self.account.address)]}
        if method == "eth_signTypedData_v4":
            return self._sign(json.loads(values[1]))
        if method in READS:
            return self._forward(method, values)
        return {"error": {"code": 4200, "message": f"{method} is not supported"}}

    def _sign(self, typed: dict[str, Any]) -> dict[str, Any]:
        if self.rejects:
            return {"error": {"code": 4001, "message": "User rejected the request."}}
        self.signed.append(typed)
        message = encode_typed_data(full_message=typed)
        signer = self.signs_with or self.account
        return {"result": signer.sign_message(message).signature.to_0x_hex()}

    def _forward(self, method: str, params: list[Any]) -> dict[str, Any]:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answered: dict[str, Any] = httpx.post(self.chain_url, json=body, timeout=10).json()
        return {key: answered[key] for key in ("result", "error") if key in answered}


def demo_account(demo: Path, name: str) -> LocalAccount:
    """The participant's key, from its own keystore."""
    folder = demo / "wallets"
    return load_keystore(folder / f"{name}.json", (folder / f"{name}.password").read_text("ascii"))
