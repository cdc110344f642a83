/** The wallet's side of the page: EIP-1193 providers and EIP-6963 announcements. */

export interface RpcRequest {
  readonly method: string;
  readonly params?: readonly unknown[];
}

export interface Provider {
  request(request: RpcRequest): Promise<unknown>;
  on?(event: string, listener: (value: unknown) => void): unknown;
  removeListener?(event: string, listener: (value: unknown) => void): unknown;
}

export interface WalletInfo {
  readonly uuid: string;
  readonly name: string;
  readonly icon: string;
  readonly rdns: string;
}

export interface Wallet {
  readonly info: WalletInfo;
  readonly provider: Provider;
}

/** What a provider throws: a code of EIP-1193 or EIP-1474. */
export class ProviderError extends Error {
  override name = "ProviderError";

  constructor(
    readonly code: number,
    message: string,
  ) {
    super(message);
  }
}
