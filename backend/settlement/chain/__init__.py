"""The chain behind the ports: web3 against one node, one contract, one submitting key."""
