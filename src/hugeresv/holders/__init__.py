"""The answer behind `hugeresv status`: who holds the huge pages of a host, and what is wrong with its ledger."""
