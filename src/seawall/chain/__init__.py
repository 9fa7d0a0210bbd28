"""The margin rule on chain: compiling, deploying, keeping, settling and verifying the contracts of contracts/."""
