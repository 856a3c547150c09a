//! Who belongs to whom at the least total cost: the linear assignment problem, sparse and rectangular.
//!
//! Shortest augmenting paths with dual variables (Jonker and Volgenant, Computing 38, 1987; rectangular as in Crouse, IEEE
//! TAES 52, 2016), over lists of possible partners instead of a full matrix. A row may also stay alone at the cost `alone`:
//! a pair is made only where that lowers the total. The memory is kept between calls: a warm call allocates nothing.

/// No partner.
const NONE: u32 = u32::MAX;

/// Solver with its memory.
#[derive(Debug, Clone, Default)]
pub struct Assignment {
    /// Where each row's partners begin; one more than there are rows.
    starts: Vec<usize>,
    /// Column and cost of each possible pair, row by row.
    pairs: Vec<(u32, f64)>,
    row_of: Vec<u32>,
    column_of: Vec<u32>,
    price_row: Vec<f64>,
    price_column: Vec<f64>,
    /// Least path cost to a column in the present search; infinite when not reached.
    reach: Vec<f64>,
    /// Row from which a column was reached.
    from: Vec<u32>,
    /// Columns reached but not settled.
    open: Vec<u32>,
    /// Columns whose least cost is final.
    settled: Vec<u32>,
    /// Whether a column is among them.
    is_settled: Vec<bool>,
    columns: usize,
}

impl Assignment {
    /// Begins a problem with rows still to be told and `columns` columns.
    pub fn begin(&mut self, columns: usize) {
        self.starts.clear();
        self.starts.push(0);
        self.pairs.clear();
        self.columns = columns;
    }

    /// A possible pair of the row being told. What is not finite, or names no column, is no pair.
    pub fn pair(&mut self, column: usize, cost: f64) {
        if cost.is_finite() && column < self.columns {
            self.pairs.push((column as u32, cost));
        }
    }

    /// Ends the row being told.
    pub fn end_row(&mut self) {
        self.starts.push(self.pairs.len());
    }

    /// The partner of `row` after [`Self::solve`].
    #[must_use]
    pub fn column_of(&self, row: usize) -> Option<usize> {
        self.column_of.get(row).filter(|c| **c != NONE).map(|c| *c as usize)
    }

    /// The partner of `column` after [`Self::solve`].
    #[must_use]
    pub fn row_of(&self, column: usize) -> Option<usize> {
        self.row_of.get(column).filter(|r| **r != NONE).map(|r| *r as usize)
    }

    /// Finds the pairs of the least total cost, where a row that stays alone costs `alone`.
    pub fn solve(&mut self, alone: f64) {
        let rows = self.starts.len() - 1;
        refill(&mut self.row_of, self.columns, NONE);
        refill(&mut self.column_of, rows, NONE);
        refill(&mut self.price_row, rows, 0.0);
        refill(&mut self.price_column, self.columns, 0.0);
        refill(&mut self.reach, self.columns, f64::INFINITY);
        refill(&mut self.from, self.columns, NONE);
        refill(&mut self.is_settled, self.columns, false);
        for row in 0..rows {
            self.augment(row, alone);
        }
    }

    /// Gives `first` a partner, moving others on, or leaves somebody alone, whichever costs least.
    fn augment(&mut self, first: usize, alone: f64) {
        let mut row = first;
        // Least cost of the path to the present row, and the best end at a lonely row so far.
        let mut cost = 0.0;
        let mut best_alone = f64::INFINITY;
        let mut lonely = first;
        let mut end = NONE;
        loop {
            let stay = cost + alone - self.price_row[row];
            if stay < best_alone {
                (best_alone, lonely) = (stay, row);
            }
            for &(column, pair) in &self.pairs[self.starts[row]..self.starts[row + 1]] {
                let c = column as usize;
                let total = cost + pair - self.price_row[row] - self.price_column[c];
                // A settled column cannot be reached more cheaply, but for rounding, which must not make a circle.
                if total < self.reach[c] && !self.is_settled[c] {
                    if self.reach[c].is_infinite() {
                        self.open.push(column);
                    }
                    self.reach[c] = total;
                    self.from[c] = row as u32;
                }
            }
            // The nearest open column; the first of equals, so that the order of telling decides and nothing else.
            let mut nearest: Option<usize> = None;
            for (at, column) in self.open.iter().enumerate() {
                let nearer =
                    nearest.is_none_or(|n| self.reach[*column as usize] < self.reach[self.open[n] as usize]);
                if nearer {
                    nearest = Some(at);
                }
            }
            let Some(at) = nearest else { break };
            let column = self.open[at];
            if self.reach[column as usize] >= best_alone {
                break;
            }
            self.open.swap_remove(at);
            cost = self.reach[column as usize];
            let owner = self.row_of[column as usize];
            if owner == NONE {
                end = column;
                break;
            }
            self.settled.push(column);
            self.is_settled[column as usize] = true;
            row = owner as usize;
        }
        let total = if end == NONE { best_alone } else { cost };
        self.reprice(first, total);
        let mut column = end;
        if end == NONE {
            column = self.column_of[lonely];
            self.column_of[lonely] = NONE;
            if lonely == first {
                column = NONE;
            }
        }
        // Walk back: each column goes to the row that reached it, which gives up its former one.
        while column != NONE {
            let row = self.from[column as usize] as usize;
            let former = self.column_of[row];
            self.column_of[row] = column;
            self.row_of[column as usize] = row as u32;
            if row == first {
                break;
            }
            column = former;
        }
        for column in self.open.drain(..).chain(self.settled.drain(..)) {
            self.reach[column as usize] = f64::INFINITY;
            self.is_settled[column as usize] = false;
        }
        if end != NONE {
            self.reach[end as usize] = f64::INFINITY;
        }
    }

    /// New prices, under which every pair made is free and no pair is a bargain.
    fn reprice(&mut self, first: usize, total: f64) {
        self.price_row[first] += total;
        for column in &self.settled {
            let c = *column as usize;
            let gain = total - self.reach[c];
            self.price_column[c] -= gain;
            let owner = self.row_of[c] as usize;
            self.price_row[owner] += gain;
        }
    }
}

fn refill<T: Copy>(list: &mut Vec<T>, length: usize, value: T) {
    list.clear();
    list.resize(length, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// xorshift64*.
    struct Dice(u64);
    impl Dice {
        fn roll(&mut self) -> f64 {
            self.0 ^= self.0 >> 12;
            self.0 ^= self.0 << 25;
            self.0 ^= self.0 >> 27;
            (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    type Costs = Vec<Vec<Option<f64>>>;

    fn problem(dice: &mut Dice, rows: usize, columns: usize, density: f64) -> Costs {
        let cell = |dice: &mut Dice| (dice.roll() < density).then(|| (dice.roll() * 16.0).round() / 16.0);
        (0..rows).map(|_| (0..columns).map(|_| cell(dice)).collect()).collect()
    }

    fn tell(solver: &mut Assignment, costs: &Costs, columns: usize) {
        solver.begin(columns);
        for row in costs {
            for (column, cost) in row.iter().enumerate() {
                if let Some(cost) = cost {
                    solver.pair(column, *cost);
                }
            }
            solver.end_row();
        }
    }

    fn total(solver: &Assignment, costs: &Costs, alone: f64) -> f64 {
        let of = |(row, list): (usize, &Vec<Option<f64>>)| match solver.column_of(row) {
            Some(column) => {
                assert_eq!(solver.row_of(column), Some(row));
                list[column].unwrap()
            }
            None => alone,
        };
        costs.iter().enumerate().map(of).sum()
    }

    /// The least total by trying everything.
    fn brute(costs: &Costs, row: usize, used: u32, alone: f64) -> f64 {
        let Some(list) = costs.get(row) else { return 0.0 };
        let mut best = alone + brute(costs, row + 1, used, alone);
        for (column, cost) in list.iter().enumerate() {
            if let (Some(cost), 0) = (cost, used & 1 << column) {
                best = best.min(cost + brute(costs, row + 1, used | 1 << column, alone));
            }
        }
        best
    }

    #[test]
    fn small_problems_have_the_least_total_that_trying_everything_finds() {
        let mut dice = Dice(7);
        let mut solver = Assignment::default();
        for case in 0..3000 {
            let (rows, columns) = ((dice.roll() * 6.0) as usize, (dice.roll() * 6.0) as usize);
            let (density, alone) = (0.2 + 0.8 * dice.roll(), 0.2 + 1.2 * dice.roll());
            let costs = problem(&mut dice, rows, columns, density);
            tell(&mut solver, &costs, columns);
            solver.solve(alone);
            let (found, least) = (total(&solver, &costs, alone), brute(&costs, 0, 0, alone));
            assert!(
                (found - least).abs() < 1e-9,
                "case {case}: {found} instead of {least}: {costs:?}, {alone}"
            );
        }
    }

    /// Prices that make every pair made free and no pair a bargain prove the total to be the least (linear programming
    /// duality), whatever the size.
    #[test]
    fn large_problems_come_with_prices_that_prove_them() {
        let mut dice = Dice(11);
        let mut solver = Assignment::default();
        for (rows, columns, density) in [(60, 60, 1.0), (120, 80, 0.3), (80, 160, 0.1), (300, 300, 0.05)] {
            let alone = 0.8;
            let costs = problem(&mut dice, rows, columns, density);
            tell(&mut solver, &costs, columns);
            solver.solve(alone);
            let close = |a: f64, b: f64| (a - b).abs() < 1e-9;
            for (r, list) in costs.iter().enumerate() {
                let u = solver.price_row[r];
                assert!(u <= alone + 1e-9);
                assert!(solver.column_of(r).is_some() || close(u, alone));
                for (c, cost) in list.iter().enumerate().filter_map(|(c, v)| v.map(|v| (c, v))) {
                    let v = solver.price_column[c];
                    assert!(u + v <= cost + 1e-9);
                    assert!(solver.column_of(r) != Some(c) || close(u + v, cost));
                }
            }
            for c in 0..columns {
                let v = solver.price_column[c];
                assert!(v <= 1e-9 && (solver.row_of(c).is_some() || close(v, 0.0)));
            }
        }
    }

    #[test]
    fn nothing_and_nonsense() {
        let mut solver = Assignment::default();
        solver.begin(0);
        solver.solve(1.0);
        assert_eq!((solver.column_of(0), solver.row_of(0)), (None, None));
        solver.begin(1);
        solver.pair(0, f64::NAN);
        solver.pair(5, 0.1);
        solver.end_row();
        solver.solve(1.0);
        assert_eq!(solver.column_of(0), None);
    }
}
