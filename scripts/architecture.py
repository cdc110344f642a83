"""An import-linter contract: a bounded context shows others only its public modules.

import-linter's own contract types need every module they name to exist; this one states the
rule for all contexts at once, those still to come included.
"""

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output

Breach = tuple[str, str]


class ContextBoundaryContract(Contract):
    """Direct imports from outside reach a context only through the modules named ``public``.

    Options: ``root`` (the package that holds the contexts), ``contexts`` (their names),
    ``public`` (the modules of a context anyone above may import) and ``wiring`` (packages that
    put the parts together and may import everything).
    """

    root = fields.StringField()
    contexts = fields.ListField(subfield=fields.StringField())
    public = fields.ListField(subfield=fields.StringField())
    wiring = fields.ListField(subfield=fields.StringField())

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        """Return every direct import that reaches into a context's internals."""
        breaches: list[Breach] = []
        for name in self.contexts:  # type: ignore[attr-defined]
            context = f"{self.root}.{name}"
            if context in graph.modules:
                breaches += self._breaches(graph, context)
        return ContractCheck(kept=not breaches, metadata={"breaches": sorted(breaches)})

    def _breaches(self, graph: ImportGraph, context: str) -> list[Breach]:
        open_modules = tuple(f"{context}.{name}" for name in self.public)  # type: ignore[attr-defined]
        insiders = (context, *self.wiring)  # type: ignore[misc]
        return [
            (importer, module)
            for module in {context, *graph.find_descendants(context)}
            if not _inside(module, open_modules)
            for importer in graph.find_modules_that_directly_import(module)
            if not _inside(importer, insiders)
        ]

    def render_broken_contract(self, check: ContractCheck) -> None:
        """Print one line for each import that breaks the rule."""
        for importer, imported in check.metadata["breaches"]:
            output.print_error(f"{importer} imports {imported}, which its context keeps private")


def _inside(module: str, packages: tuple[str, ...]) -> bool:
    return any(module == package or module.startswith(f"{package}.") for package in packages)
