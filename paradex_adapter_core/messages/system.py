"""The venue about itself."""

from typing import Final, final

from mypy_extensions import mypyc_attr


@final
@mypyc_attr(acyclic=True)
class SystemConfig:
    """What signing and address derivation need of REST /system/config, in the venue's texts."""

    def __init__(
        self,
        environment: str,
        starknet_chain_id: str,
        l1_chain_id: str,
        account_class_hash: str,
        account_proxy_class_hash: str,
        fullnode_rpc_url: str,
        paraclear_address: str,
        paraclear_decimals: int,
    ) -> None:
        self.environment: Final = environment
        self.starknet_chain_id: Final = starknet_chain_id
        self.l1_chain_id: Final = l1_chain_id
        self.account_class_hash: Final = account_class_hash
        self.account_proxy_class_hash: Final = account_proxy_class_hash
        self.fullnode_rpc_url: Final = fullnode_rpc_url
        self.paraclear_address: Final = paraclear_address
        self.paraclear_decimals: Final = paraclear_decimals
