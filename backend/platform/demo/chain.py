"""A development chain made ready: keys, contracts, tokens; adopted by an explicit, logged act."""

from datetime import datetime

import msgspec

from anchoring.chain_signer import LocalChainSigner
from anchoring.rpc import HttpRpc, get_block, read_data
from backend.audit.anchorer import adopt, check_chain
from backend.audit.chain import NodeAnchorChain
from backend.audit.events import RegistryAdopted
from backend.kernel.errors import DomainError, ErrorCode
from backend.platform.anvil import Anvil, ExternalNode
from backend.platform.bootstrap import Core
from backend.platform.home import Home
from backend.platform.processes.anchorer import ANCHORER_KEYSTORE
from backend.platform.processes.worker import SETTLER_KEYSTORE
from backend.settlement.chain.deploy import Deployer, Deployment, DeploymentSpec, SecuritySpec
from backend.settlement.chain.node import Node
from backend.settlement.wallet import create_keystore, load_keystore

DEPLOYER_KEYSTORE = "deployer.json"
GUARDIAN_KEYSTORE = "guardian.json"
RECORD = "deployment.json"
ONE_ETHER = 10**18
KDF = "pbkdf2"


class NotADevelopmentChain(DomainError):
    """The demonstration needs a chain whose gas money it may make."""

    code = ErrorCode.CONFIGURATION_INVALID


class DevelopmentChain:
    """Anvil as the demonstration uses it: gas for everyone, and time that follows the business."""

    def __init__(self, node: Anvil | ExternalNode, home: Home, chain_id: int) -> None:
        self._node = node
        self._home = home
        self.node = Node(node.url, chain_id)

    def keystore(self, name: str) -> str:
        """The address in a platform keystore, made on first use."""
        path = self._home.keys / name
        if not path.exists():
            create_keystore(path, self._home.passphrase(), kdf=KDF)
        return str(load_keystore(path, self._home.passphrase()).address)

    def deployer(self) -> Deployer:
        """The key that owns Settlement and issues the tokens, with gas."""
        self.keystore(DEPLOYER_KEYSTORE)
        account = load_keystore(self._home.keys / DEPLOYER_KEYSTORE, self._home.passphrase())
        self.give_gas(str(account.address))
        return Deployer(self.node, account)

    def give_gas(self, address: str) -> None:
        """Raises NotADevelopmentChain where the node does not allow it."""
        try:
            self._node.call("anvil_setBalance", address, hex(100 * ONE_ETHER))
        except DomainError as error:
            raise NotADevelopmentChain(
                "The demonstration makes its own gas money, which this node does not allow:"
                " unset CHAIN_RPC_URL, or point it to an Anvil node."
            ) from error

    def finalize(self) -> None:
        """Mine until what is there counts as final."""
        self._node.call("anvil_mine", hex(3), "0x1")

    def mine(self) -> None:
        self._node.call("evm_mine")

    def follow(self, moment: datetime) -> None:
        """Bring the chain's time up to the business clock's."""
        latest = int(self._node.call("eth_getBlockByNumber", "latest", False)["timestamp"], 16)
        if int(moment.timestamp()) > latest:
            self._node.call("evm_setNextBlockTimestamp", int(moment.timestamp()))
            self._node.call("evm_mine")

    def deploy(
        self, securities: tuple[SecuritySpec, ...], currencies: tuple[str, ...], origin: str
    ) -> Deployment:
        """Everything that is missing on the chain; the record is kept in the home."""
        path = self._home.root / RECORD
        record = msgspec.json.decode(path.read_bytes(), type=Deployment) if path.exists() else None
        settler, writer = self.keystore(SETTLER_KEYSTORE), self.keystore(ANCHORER_KEYSTORE)
        spec = DeploymentSpec(
            settler=settler,
            guardian=self.keystore(GUARDIAN_KEYSTORE),
            securities=securities,
            currencies=currencies,
            log_origin=origin,
            log_writer=writer,
        )
        deployer = self.deployer()
        for address in (settler, writer):
            self.give_gas(address)
        deployment = deployer.deploy(spec, record)
        temporary = path.with_name(path.name + "~")
        temporary.write_bytes(msgspec.json.format(msgspec.json.encode(deployment), indent=2))
        temporary.replace(path)
        return deployment

    def adopt(self, core: Core, deployment: Deployment) -> None:
        """Choose the registry for the log. Raises Conflict when another one was chosen before."""
        registry = deployment.anchor_registry
        if registry is None:
            raise NotADevelopmentChain("The deployment has no anchor registry.")
        rpc = HttpRpc(self._node.url)
        block = get_block(rpc, registry.block)
        account = load_keystore(self._home.keys / ANCHORER_KEYSTORE, self._home.passphrase())
        chain = NodeAnchorChain(
            rpc, deployment.chain_id, registry.address, LocalChainSigner(account)
        )
        adopt(
            core.store,
            RegistryAdopted(
                chain_id=deployment.chain_id,
                registry=registry.address,
                settlement=deployment.settlement.address,
                origin=core.settings.log_origin,
                block_number=registry.block,
                block_hash="0x" + read_data(block.get("hash"), "block hash", 32).hex(),
            ),
        )
        check_chain(core.store, chain)
